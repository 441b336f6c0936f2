#include "kernels/cuda/plan/sm90_variants.hpp"

#include <fmt/format.h>

#include "kernels/cuda/plan/grouped_sm90_plan.hpp"

namespace hotexpert {
namespace {

constexpr double kLeastStoreShare = 0.05;
constexpr double kLeastFullGroups = 0.75;

}  // namespace

std::vector<UntimedVariant> untimed_variants(const LayerShape& shape,
                                             const CudaKernelChoice& choice, std::int64_t tokens) {
  std::vector<UntimedVariant> variants;
  if (choice.engine != CudaEngine::kSm90 || choice.strategy != CudaStrategy::kGrouped ||
      choice.cluster > 1 || choice.bulk_store)
    return variants;
  const double mean = static_cast<double>(tokens) * shape.top_k / shape.num_experts;
  const double tile_rows = choice.tile_rows;
  const double loaded_rows = tile_rows + sm90::kTileColumns;
  const double shared_rows = tile_rows + sm90::kTileColumns / 2.0;

  const double saved = 1 - shared_rows / loaded_rows;
  const double more_tiles = tile_rows / (2 * mean);
  if (choice.order != TileOrder::kDynamic && more_tiles < saved / 2) {
    variants.push_back(
        {"cluster=2", fmt::format("{:.0f} instead of {:.0f} KiB reach a block in a step of 64, for "
                                  "about {:.0f} % more tiles",
                                  shared_rows / 8, loaded_rows / 8, 100 * more_tiles)});
  }

  const double stored = tile_rows * sm90::kTileColumns * 2;
  const double loaded = loaded_rows * 2 * static_cast<double>(shape.d_ff);
  const double store_share = stored / (stored + loaded);
  const double groups = mean / sm90::kWarpgroupRows;
  const double full = (groups - 0.5) / (groups + 0.5);
  if (store_share >= kLeastStoreShare && full >= kLeastFullGroups) {
    variants.push_back(
        {"store=bulk", fmt::format("results are {:.0f} % of a tile's bytes and {:.0f} "
                                   "% of row groups are full",
                                   100 * store_share, 100 * full)});
  }
  return variants;
}

}  // namespace hotexpert
