#pragma once

#include <driver_types.h>

#include "kernels/cuda/plan/layer_elements.hpp"
#include "kernels/cuda/plan/tile_schedule.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// One ragged product for the kernels that read memory themselves. Device pointers.
struct GroupedProduct {
  TileTable table;                ///< with the kernel's tile rows
  const void* x = nullptr;        ///< [rows, inner]
  const void* weights = nullptr;  ///< [experts, weight_rows, inner]; SwiGLU: gates, then ups
  void* out = nullptr;            ///< [rows, columns]
  int columns = 0;                ///< of the output
  int inner = 0;                  ///< K
  int weight_rows = 0;            ///< columns, or 2 * columns for SwiGLU
  int column_tiles = 0;
  int row_group = 8;  ///< see tile_place()
  Epilogue epilogue = Epilogue::kNone;
};

/// Tile sizes of grouped-mma: SwiGLU tiles hold 64 gates and 64 ups.
inline constexpr int kMmaTileRows = 128;
inline constexpr int kMmaTileColumns = 128;

/// out = epilogue(x · weights) with mma.sync, bf16, on `blocks` persistent blocks. Compute
/// capability 8.0 and up; inner and columns multiples of 8.
cudaError_t launch_grouped_mma(const GroupedProduct& product, int blocks, cudaStream_t stream);

/// Tile sizes of grouped-plain.
inline constexpr int kPlainTileRows = 64;
inline constexpr int kPlainTileColumns = 64;

/// The same product by plain multiply-adds, bf16 or fp32, any size: slow, obvious, and right before
/// the others were.
cudaError_t launch_grouped_plain(const GroupedProduct& product, DataType dtype, int blocks,
                                 cudaStream_t stream);

}  // namespace hotexpert
