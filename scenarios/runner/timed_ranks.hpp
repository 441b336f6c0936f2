#pragma once

#include <vector>

#include "profiler/layer_backend.hpp"
#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/placements.hpp"
#include "scenarios/runner/timed.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// Products that are checked against fp64 before ranks are timed: the rule of
/// PreparedLayer::verify(), over all ranks together.
inline constexpr double kRankVerifyFlops = 2e9;

/// The part of the layer that one rank holds: as many experts as its slots, no shared ones.
LayerShape shape_of_rank(const LayerShape& shape, const ExpertPlacement& placement);

/// Runs the ranks of each arm one after another on the backend and adds to `result`:
/// - layer times of the slowest rank (measured; with unequal speeds modelled, as they are scaled),
///   layer.idle_fraction and layer.imbalance_tax;
/// - layer.dispatch_s, layer.return_s and their sum layer.all_to_all_s, modelled, and layer.step_s
/// =
///   layer.total_s + layer.all_to_all_s, modelled;
/// - rank.straggler, and series rank_ffn_s, rank_total_s, rank_rows, rank_dispatch_s, rank_return_s
///   [rank], straggler.hot_experts [expert, (id, rows)];
/// - model.step_s and model.imbalance_share, from the time that rows took on these ranks.
void time_virtual_ranks(const PointSpec& spec, const Placements& placements, const LoadMatrix& load,
                        const std::vector<PlannedArm>& planned, LayerBackend& backend,
                        BackendPool& pool, PointResult& result);

}  // namespace hotexpert
