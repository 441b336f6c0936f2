#pragma once

#include "kernels/cuda/plan/host_device.hpp"

namespace hotexpert::mma {

// Sizes and index maths of the grouped-mma kernel, shared by the kernel and tests. A block of 8
// warps, 2 down and 4 across, computes [128, 128]; a warp [64, 32] as 4 x 4 products m16n8k16.

inline constexpr int kThreads = 256;
inline constexpr int kStages = 3;
inline constexpr int kPanelRows = 128;  ///< of x and of weights in a stage, 64 values deep
inline constexpr int kPanelBytes = kPanelRows * 128;
inline constexpr int kStageBytes = 2 * kPanelBytes;
inline constexpr int kSharedBytes = kStages * kStageBytes;
inline constexpr int kWarpColumns = 32;

/// Row of the expert's weights that panel row `row` holds, from the tile's first. SwiGLU
/// (`paired`): a warp's 32 columns are 16 gates and the 16 ups beside them, so one thread holds
/// both. @param columns of the output: an up lies so many rows behind its gate
HOTEXPERT_HOST_DEVICE int weight_row(int row, bool paired, int columns) {
  if (!paired) return row;
  const int within = row % kWarpColumns;
  const int gate = row / kWarpColumns * (kWarpColumns / 2) + within % (kWarpColumns / 2);
  return within < kWarpColumns / 2 ? gate : gate + columns;
}

/// Output column of the weight in panel row `row`: what decides whether it is inside the matrix.
HOTEXPERT_HOST_DEVICE int output_column(int row, bool paired) { return weight_row(row, paired, 0); }

}  // namespace hotexpert::mma
