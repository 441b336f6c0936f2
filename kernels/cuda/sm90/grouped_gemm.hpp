#pragma once

#include <cuda.h>
#include <driver_types.h>

#include <cstdint>

#include "kernels/cuda/plan/layer_elements.hpp"
#include "kernels/cuda/plan/tile_schedule.hpp"
#include "kernels/tile_record.hpp"

namespace hotexpert::sm90 {

/// One ragged product: rows of all experts times each expert's weights. Device pointers.
struct GroupedGemm {
  TileTable table;                        ///< with the kernel's tile_rows
  unsigned long long* counter = nullptr;  ///< 0 before the launch; null: blocks take every
                                          ///< gridDim-th tile
  void* out = nullptr;                    ///< [rows, columns] bf16
  int columns = 0;       ///< of the output, a multiple of 8; for SwiGLU half of weight_rows
  int inner = 0;         ///< K, a multiple of 8
  int weight_rows = 0;   ///< rows of one expert in the weight matrix
  int column_tiles = 0;  ///< tiles across the output
  int row_group = 8;     ///< see tile_place()
  Epilogue epilogue = Epilogue::kNone;
  TileRecord* records = nullptr;       ///< traced: [tile_count()], in the order of the schedule
  const CUtensorMap* x_map = nullptr;  ///< on the host; boxes [tile_rows, 64]
  const CUtensorMap* weight_map = nullptr;  ///< on the host; boxes [128, 64]
  const CUtensorMap* out_map = nullptr;     ///< on the host; boxes [64, 64]; launch_grouped_bulk()
};

/// Which instance: compile-time variants, so that none pays for another.
enum class Variant : std::uint8_t {
  kDirect,   ///< results go from registers to memory
  kBulk,     ///< through shared memory and the copy engine, where 64 rows are an expert's own
  kCluster,  ///< two blocks share the weights of a tile
  kTraced,   ///< kDirect with a record a tile
};

/// Launches the persistent kernel on `blocks` blocks. Needs compute capability 9.0.
/// @param tile_rows 64 or 128
cudaError_t launch_grouped(const GroupedGemm& gemm, int tile_rows, int blocks, cudaStream_t stream);
/// The same with full boxes of results stored by the copy engine.
cudaError_t launch_grouped_bulk(const GroupedGemm& gemm, int tile_rows, int blocks,
                                cudaStream_t stream);
/// The same in clusters of two blocks that share the weights of a tile: table and row_group count
/// tiles of 2 * tile_rows rows, the counter is not used, and an odd block is left out.
cudaError_t launch_grouped_cluster(const GroupedGemm& gemm, int tile_rows, int blocks,
                                   cudaStream_t stream);
/// launch_grouped() with a record of every tile; another instance, so the untraced kernel is
/// unchanged.
cudaError_t launch_grouped_traced(const GroupedGemm& gemm, int tile_rows, int blocks,
                                  cudaStream_t stream);

}  // namespace hotexpert::sm90
