#pragma once

#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"

namespace hotexpert::wgrad {

// Sizes and index maths of the mma.sync kernel of weight gradients, shared by the kernel and tests.
// A block of 8 warps, 2 down and 4 across, computes [128, 128]; a warp [64, 32] as 4 x 4 products
// m16n8k16, K being rows of an expert. Both operands lie as they are in memory, a row of shared
// memory for each row of the expert, and ldmatrix transposes.

inline constexpr int kThreads = 256;
inline constexpr int kTile = 128;  ///< columns of either operand
inline constexpr int kStages = 3;
inline constexpr int kDepth = 64;      ///< rows of the expert in a stage
inline constexpr int kRowBytes = 256;  ///< 128 bf16
inline constexpr int kPanelBytes = kDepth * kRowBytes;
inline constexpr int kStageBytes = 2 * kPanelBytes;
inline constexpr int kSharedBytes = kStages * kStageBytes;

/// Byte offset of the 16-byte chunk `chunk` (0..15) of row `row`: the lower three bits of the chunk
/// are xor-ed with the row's, so the 8 rows that ldmatrix reads of one chunk touch all banks.
HOTEXPERT_HOST_DEVICE std::uint32_t panel_offset(std::uint32_t row, std::uint32_t chunk) {
  return row * kRowBytes + ((chunk ^ (row & 7U)) << 4);
}

/// Row of the stage and chunk of the panel whose address lane `lane` gives to ldmatrix.x4.trans,
/// for 16 rows from `depth` and 16 columns from `column`.
struct LaneAddress {
  std::uint32_t row = 0;
  std::uint32_t chunk = 0;
};
/// Left operand: matrices are (rows 0-7, columns 0-7), (0-7, 8-15), (8-15, 0-7), (8-15, 8-15):
/// registers a0 to a3.
HOTEXPERT_HOST_DEVICE LaneAddress left_address(std::uint32_t lane, std::uint32_t depth,
                                               std::uint32_t column) {
  const std::uint32_t matrix = lane / 8;
  return {depth + matrix / 2 * 8 + lane % 8, column / 8 + matrix % 2};
}
/// Right operand: (rows 0-7, columns 0-7), (8-15, 0-7), (0-7, 8-15), (8-15, 8-15): b0 and b1 of two
/// products.
HOTEXPERT_HOST_DEVICE LaneAddress right_address(std::uint32_t lane, std::uint32_t depth,
                                                std::uint32_t column) {
  const std::uint32_t matrix = lane / 8;
  return {depth + matrix % 2 * 8 + lane % 8, column / 8 + matrix / 2};
}

}  // namespace hotexpert::wgrad
