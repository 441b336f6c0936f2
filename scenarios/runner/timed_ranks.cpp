#include "scenarios/runner/timed_ranks.hpp"

#include <algorithm>

#include "profiler/layer_measurements.hpp"
#include "profiler/layer_step.hpp"
#include "profiler/virtual_ranks.hpp"
#include "scenarios/runner/model_step.hpp"
#include "scenarios/runner/modelled.hpp"
#include "scenarios/runner/rank_exchange.hpp"

namespace hotexpert {
namespace {

/// Fixes the straggler of every arm: its samples become that rank's.
std::vector<RankTimes> settle_arms(const VirtualRanks& ranks, MeasureResult& measured) {
  std::vector<RankTimes> settled;
  for (std::size_t arm = 0; arm < measured.arms.size(); ++arm) {
    auto& samples = measured.arms[arm].samples;
    settled.push_back(ranks.settle(static_cast<int>(arm), samples.size()));
    samples = settled.back().samples;
    measured.arms[arm].outliers = outlier_indices(totals_s(measured.arms[arm]));
  }
  return settled;
}

void add_rank_series(const PlannedArm& arm, const RankTimes& times, std::string_view prefix,
                     Provenance provenance, PointResult& result) {
  const auto name = [&](std::string_view metric) {
    return std::string(prefix) + std::string(metric);
  };
  result.series.push_back(series_along("rank", name("rank_ffn_s"), "s", provenance, times.ffn_s));
  result.series.push_back(
      series_along("rank", name("rank_total_s"), "s", provenance, times.total_s));
  result.series.push_back(series_along("rank", name("rank_rows"), "count", Provenance::kCounted,
                                       rows_of_ranks(arm.plan)));
}

/// What rows cost on a device of speed 1, from all timed ranks of all arms.
RankLaw law_of(const std::vector<PlannedArm>& planned, const std::vector<RankTimes>& settled,
               const PlacementTarget& target) {
  std::vector<double> rows;
  std::vector<double> seconds;
  for (std::size_t arm = 0; arm < planned.size(); ++arm) {
    const auto of_rank = rows_of_ranks(planned[arm].plan);
    for (std::size_t rank = 0; rank < of_rank.size(); ++rank) {
      if (of_rank[rank] == 0) continue;
      rows.push_back(of_rank[rank]);
      seconds.push_back(settled[arm].total_s[rank] * target.speed(static_cast<int>(rank)));
    }
  }
  return rows.empty() ? RankLaw{} : fit_rank_law(rows, seconds);
}

}  // namespace

LayerShape shape_of_rank(const LayerShape& shape, const ExpertPlacement& placement) {
  LayerShape part = shape;
  part.num_shared_experts = 0;
  part.num_experts = (placement.num_physical() + placement.num_ranks() - 1) / placement.num_ranks();
  return part;
}

void time_virtual_ranks(const PointSpec& spec, const Placements& placements, const LoadMatrix& load,
                        const std::vector<PlannedArm>& planned, LayerBackend& backend,
                        BackendPool& pool, PointResult& result) {
  LayerShape part = shape_of_rank(spec.shape, placements.of(0));
  std::vector<PreparedLayer*> fresh;
  const auto layer_of = [&](int num_physical) -> PreparedLayer& {
    part.num_experts = num_physical;
    PreparedLayer& layer = pool.prepare(backend, spec, part, num_physical);
    if (std::find(fresh.begin(), fresh.end(), &layer) == fresh.end()) {
      layer.unload();
      fresh.push_back(&layer);
    }
    return layer;
  };
  VirtualRanks ranks(layer_of, spec.shape.num_shared_experts, placements.target.rank_speed);
  std::vector<Arm> arms;
  double worst_error = 0;
  for (const auto& arm : planned) {
    const int handle = ranks.load(arm.plan, arm.owned_tokens, [&](const DispatchPlan& local) {
      auto payload = payload_of(local, arm.layer, spec.kernel, spec.capacity);
      payload.tokens = arm.plan.tokens;  // of the step, not of this rank
      return payload;
    });
    if (!is_modelled(backend)) {
      ranks.run(handle);
      int bad_expert = -1;
      const auto budget =
          static_cast<std::int64_t>(kRankVerifyFlops / flops_per_expert(spec.shape, 1));
      const double error = ranks.verify(handle, budget, bad_expert);
      if (!check_error(spec, arm.name, error, bad_expert, result)) return;
      worst_error = std::max(worst_error, error);
    }
    arms.push_back({std::string(arm.name), [&ranks, handle] { return ranks.run(handle); }});
    result.series.push_back(arm_load_series(arm));
  }
  if (!is_modelled(backend))
    result.measurements.push_back({"kernel.max_relative_error", worst_error, Provenance::kCounted});

  MeasureResult measured = time_arms(arms, spec, backend);
  const auto settled = settle_arms(ranks, measured);
  // Times scaled by the speed of a device that is not here are no measurement.
  const Provenance provenance =
      placements.target.rank_speed.empty() ? backend.info().provenance : Provenance::kModelled;
  for (auto& measurement : to_measurements(measured, provenance))
    result.measurements.push_back(std::move(measurement));
  for (const auto& warning : measured.warnings) result.warnings.push_back(warning.text);
  add_exchange(planned, placements, spec.shape, result);
  add_straggler(planned.front(), settled.front().straggler, provenance, result);
  for (std::size_t i = 0; i < planned.size(); ++i) {
    if (planned[i].name == kLayerArm)
      add_rank_series(planned[i], settled[i], "", provenance, result);
    if (planned[i].name == kBalancedArm)
      add_rank_series(planned[i], settled[i], "balanced.", provenance, result);
  }
  add_model_step(spec, placements, load, law_of(planned, settled, placements.target), result);
  const auto& arm = planned.front();
  const int shared = spec.shape.num_shared_experts;
  const auto straggler = static_cast<std::size_t>(settled.front().straggler);
  add_row_metrics(spec,
                  {arm.plan.rows() + arm.plan.tokens * shared, ranks.computed_rows(0),
                   static_cast<std::int64_t>(rows_of_ranks(arm.plan)[straggler]) +
                       arm.owned_tokens[straggler] * shared},
                  result);
}

}  // namespace hotexpert
