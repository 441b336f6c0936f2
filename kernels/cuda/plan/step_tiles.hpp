#pragma once

#include <span>
#include <vector>

#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "kernels/expert_rows.hpp"
#include "kernels/tile_grid.hpp"

namespace hotexpert {

/// Tiles of the two products of a step.
struct ProductTiles {
  std::int64_t up = 0;
  std::int64_t down = 0;
};

/// True when the choice has a traced instance: grouped-sm90 without cluster or store, alone or over
/// padded experts.
bool records_tiles(const CudaKernelChoice& choice);

/// Records that a traced step writes, at slot = tile index.
ProductTiles count_tiles(const LayerShape& shape, const CudaKernelChoice& choice,
                         const ExpertRows& rows);

/// Both products as one pass: the column tiles of the down product come behind those of the up
/// product, workers are multiprocessors.
TileRecords tiles_of_step(const LayerShape& shape, const CudaKernelChoice& choice,
                          const ExpertRows& rows, int multiprocessors,
                          std::span<const TileRecord> up, std::span<const TileRecord> down);

}  // namespace hotexpert
