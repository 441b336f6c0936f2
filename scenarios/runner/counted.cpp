#include "scenarios/runner/counted.hpp"

#include <algorithm>
#include <cmath>

#include "scenarios/runner/count_ranks.hpp"
#include "scenarios/runner/drop_series.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/metrics/binomial.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/routing/drop_statistics.hpp"
#include "sim/routing/plan_dispatch.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kMaxSeriesValues = 65536;  // beyond, loads are summed over steps

Series load_series(const LoadMatrix& load) {
  Series series;
  series.metric = "load.by_expert";
  series.unit = "count";
  if (load.load.size() <= kMaxSeriesValues) {
    series.dims = {"step", "layer", "expert"};
    series.shape = {load.steps, load.layers, load.experts};
    series.values.assign(load.load.begin(), load.load.end());
    return series;
  }
  series.dims = {"layer", "expert"};
  series.shape = {load.layers, load.experts};
  series.values.assign(static_cast<std::size_t>(load.layers * load.experts), 0.0);
  for (std::size_t i = 0; i < load.load.size(); ++i) {
    series.values[i % series.values.size()] += static_cast<double>(load.load[i]);
  }
  return series;
}

/// Expected drops of a perfectly uniform router under the same policy, or nullopt where the
/// capacity is that of a rank or depends on the loads. Groups are independent: the mean of theirs,
/// weighted by tokens.
std::optional<double> uniform_floor(const PointSpec& spec) {
  const CapacityRule rule(spec.capacity.rule);
  if (rule.row().bin == CapacityBin::kRank) return std::nullopt;
  const std::int64_t tokens = spec.trace.step_tokens;
  const bool grouped = spec.capacity.group > 0 && rule.row().pool == CapacityPool::kGroup;
  const std::int64_t group = grouped ? std::min(spec.capacity.group, tokens) : tokens;
  double dropped_tokens = 0;
  for (const auto& [size, count] :
       {std::pair{group, tokens / group}, std::pair{tokens % group, std::int64_t{1}}}) {
    if (size == 0) continue;
    const CapacityScope scope{.tokens = size,
                              .num_experts = spec.shape.num_experts,
                              .top_k = spec.shape.top_k,
                              .num_ranks = 1};
    const auto capacity =
        capacity_of(rule, scope, *spec.capacity.factor, std::nullopt, spec.capacity.float_compat);
    if (!capacity) return std::nullopt;
    dropped_tokens +=
        static_cast<double>(size * count) *
        expected_drop_fraction(size, spec.shape.num_experts, spec.shape.top_k, *capacity);
  }
  return dropped_tokens / static_cast<double>(tokens);
}

void add_drop_metrics(const PointSpec& spec, const std::vector<DropStatistics>& drops,
                      PointResult& result) {
  std::vector<double> assignments;
  std::vector<double> lost;
  std::vector<double> gate_mass;
  for (const auto& drop : drops) {
    assignments.push_back(drop.all.fraction());
    lost.push_back(drop.token_lost_fraction());
    if (const auto mass = drop.gate_mass_fraction()) gate_mass.push_back(*mass);
  }
  auto& out = result.measurements;
  out.push_back(over_batches("drop.assignment_fraction", assignments, Provenance::kCounted));
  if (assignments.size() > 1) {
    const double error = std::sqrt(variance(assignments) / static_cast<double>(assignments.size()));
    out.push_back({"drop.standard_error", error, Provenance::kCounted});
  }
  out.push_back(over_batches("drop.token_lost_fraction", lost, Provenance::kCounted));
  if (!gate_mass.empty())
    out.push_back(over_batches("drop.gate_mass_fraction", gate_mass, Provenance::kCounted));
  if (const auto floor = uniform_floor(spec)) {
    out.push_back({"drop.floor_fraction", *floor, Provenance::kExpected});
  }
}

/// Whose assignments were dropped, and in which layer.
void add_drop_series(const BatchRange& range, const std::vector<DropStatistics>& drops,
                     PointResult& result) {
  DropStatistics all;
  std::vector<double> by_layer(static_cast<std::size_t>(range.layers), 0.0);
  for (std::size_t i = 0; i < drops.size(); ++i) {
    all += drops[i];
    by_layer[i % by_layer.size()] += drops[i].all.fraction() / static_cast<double>(range.steps);
  }
  for (auto& series : bias_series(all)) result.series.push_back(std::move(series));
  if (by_layer.size() > 1) result.series.push_back(drops_by_layer(std::move(by_layer)));
}

/// What one worker reuses from batch to batch.
struct Workspace {
  explicit Workspace(const CapacityPolicy& policy) : planner(policy) {}
  BatchBuffer buffer;
  DispatchPlanner planner;
  DispatchPlan plan;
};

}  // namespace

Counted count_point(const PointSpec& spec, const RoutingTrace& trace, const Placements& placements,
                    int threads, PointResult& result) {
  Counted counted;
  counted.range = batch_range(spec.trace, trace.info());
  const auto& range = counted.range;
  counted.load = LoadMatrix(range.steps, range.layers, spec.shape.num_experts);
  std::vector<DropStatistics> drops(static_cast<std::size_t>(range.count()));

  std::vector<Workspace> workspaces(static_cast<std::size_t>(std::max(1, threads)),
                                    Workspace(spec.capacity));
  parallel_for(range.count(), threads, [&](int worker, std::int64_t i) {
    auto& work = workspaces[static_cast<std::size_t>(worker)];
    const RoutingBatch batch = trace.read(range.step(i), range.layer(i), work.buffer);
    count_load(batch, counted.load.at(i / range.layers, static_cast<int>(i % range.layers)));
    work.planner.plan(batch, placements.of(static_cast<int>(i % range.layers)), work.plan);
    check_invariants(work.plan);
    if (spec.capacity.factor) drops[static_cast<std::size_t>(i)] = count_drops(batch, work.plan);
  });

  for (auto& measurement : expert_load_metrics(counted.load))
    result.measurements.push_back(std::move(measurement));
  count_ranks(spec, placements, counted.load, result);
  if (spec.capacity.factor) {
    add_drop_metrics(spec, drops, result);
    add_drop_series(range, drops, result);
  }
  if (const auto& target = trace.info().target) {
    result.measurements.push_back({"skew.achieved", target->achieved, Provenance::kCounted});
    result.measurements.push_back({"skew.parameter", target->value, Provenance::kCounted});
  }
  result.series.push_back(load_series(counted.load));
  for (const auto& warning : trace.info().warnings) result.warnings.push_back(warning);
  return counted;
}

}  // namespace hotexpert
