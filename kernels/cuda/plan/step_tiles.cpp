#include "kernels/cuda/plan/step_tiles.hpp"

namespace hotexpert {
namespace {

int up_columns(const LayerShape& shape, const CudaKernelChoice& choice) {
  return column_tiles(choice, shape.d_ff, shape.activation == Activation::kSwiglu);
}

int down_columns(const LayerShape& shape, const CudaKernelChoice& choice) {
  return column_tiles(choice, shape.d_model, false);
}

}  // namespace

bool records_tiles(const CudaKernelChoice& choice) {
  return choice.engine == CudaEngine::kSm90 && choice.cluster == 1 && !choice.bulk_store &&
         (choice.strategy == CudaStrategy::kGrouped || choice.strategy == CudaStrategy::kPadded);
}

ProductTiles count_tiles(const LayerShape& shape, const CudaKernelChoice& choice,
                         const ExpertRows& rows) {
  std::int64_t tiles = 0;
  for (const auto& expert : rows.experts)
    tiles += row_tiles(static_cast<std::int32_t>(expert.computed), choice.tile_rows);
  return {tiles * up_columns(shape, choice), tiles * down_columns(shape, choice)};
}

TileRecords tiles_of_step(const LayerShape& shape, const CudaKernelChoice& choice,
                          const ExpertRows& rows, int multiprocessors,
                          std::span<const TileRecord> up, std::span<const TileRecord> down) {
  TileRecords tiles;
  tiles.grid.num_workers = multiprocessors;
  tiles.grid.rows_a_tile = choice.tile_rows;
  tiles.grid.column_tiles = up_columns(shape, choice) + down_columns(shape, choice);
  for (const auto& expert : rows.experts) {
    tiles.grid.token_rows.push_back(expert.used);
    tiles.grid.computed_rows.push_back(expert.computed);
  }
  tiles.records.assign(up.begin(), up.end());
  for (TileRecord tile : down) {
    tile.column_tile += up_columns(shape, choice);
    tiles.records.push_back(tile);
  }
  return tiles;
}

}  // namespace hotexpert
