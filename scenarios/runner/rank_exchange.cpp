#include "scenarios/runner/rank_exchange.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "profiler/layer_measurements.hpp"
#include "sim/model/network_model.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kHotExperts = 8;

double largest(const std::vector<double>& values) {
  return values.empty() ? 0.0 : *std::max_element(values.begin(), values.end());
}

void add_modelled(PointResult& result, std::string metric, double value) {
  result.measurements.push_back({std::move(metric), value, Provenance::kModelled});
}

/// A measured time and a modelled one, in a column of its own.
void add_step(std::string metric, const Measurement* total, double all_to_all_s,
              PointResult& result) {
  if (total == nullptr) return;
  Measurement step{std::move(metric), total->value + all_to_all_s, Provenance::kModelled};
  if (total->ci95)
    step.ci95 = Interval{total->ci95->low + all_to_all_s, total->ci95->high + all_to_all_s};
  result.measurements.push_back(std::move(step));
}

}  // namespace

double ModelledExchange::dispatch() const { return largest(dispatch_s); }
double ModelledExchange::back() const { return largest(return_s); }

ModelledExchange model_exchange(const PlannedArm& arm, const Placements& placements,
                                const LayerShape& shape) {
  const RankTraffic traffic{arm.plan.num_ranks, arm.plan.send_rows, arm.node_tokens};
  const auto row_bytes = static_cast<double>(shape.d_model * bytes_per_element(shape.dtype));
  RankBytes bytes = dispatch_bytes(placements.network, traffic, row_bytes);
  ModelledExchange exchange;
  exchange.dispatch_s = exchange_seconds(placements.network, bytes);
  std::swap(bytes.intra_sent, bytes.intra_received);
  std::swap(bytes.inter_sent, bytes.inter_received);
  exchange.return_s = exchange_seconds(placements.network, bytes);
  return exchange;
}

void add_exchange(const std::vector<PlannedArm>& planned, const Placements& placements,
                  const LayerShape& shape, PointResult& result) {
  const auto& network = placements.network;
  if (network.inter_assumed && placements.target.nodes > 1) {
    result.warnings.push_back(fmt::format(
        "Nobody timed network '{}' between nodes: its rate there is the one inside a node. Put "
        "inter_bytes_per_s of your links into its file and remove inter_assumed.",
        network.name));
  }
  for (const auto& arm : planned) {
    if (arm.name != kLayerArm && arm.name != kBalancedArm) continue;
    const ModelledExchange exchange = model_exchange(arm, placements, shape);
    if (arm.name == kBalancedArm) {
      add_step("layer.balanced_step_s", result.find("layer.balanced_total_s"), exchange.total(),
               result);
      continue;
    }
    add_modelled(result, "layer.dispatch_s", exchange.dispatch());
    add_modelled(result, "layer.return_s", exchange.back());
    add_modelled(result, "layer.all_to_all_s", exchange.total());
    add_step("layer.step_s", result.find("layer.total_s"), exchange.total(), result);
    result.series.push_back(
        series_along("rank", "rank_dispatch_s", "s", Provenance::kModelled, exchange.dispatch_s));
    result.series.push_back(
        series_along("rank", "rank_return_s", "s", Provenance::kModelled, exchange.return_s));
  }
}

void add_straggler(const PlannedArm& arm, int straggler, Provenance provenance,
                   PointResult& result) {
  result.measurements.push_back({"rank.straggler", static_cast<double>(straggler), provenance});
  std::vector<int> held;
  for (int p = 0; p < arm.plan.num_physical; ++p) {
    if (arm.plan.rank_of_expert[static_cast<std::size_t>(p)] == straggler) held.push_back(p);
  }
  std::ranges::stable_sort(held, std::greater<>(), [&](int p) { return arm.plan.rows(p); });
  if (held.size() > kHotExperts) held.resize(kHotExperts);
  Series hot;
  hot.metric = "straggler.hot_experts";
  hot.unit = "count";
  hot.dims = {"place", "expert_and_rows"};
  hot.shape = {static_cast<std::int64_t>(held.size()), 2};
  for (const int p : held) {
    hot.values.push_back(index(arm.placement.physical_to_logical()[static_cast<std::size_t>(p)]));
    hot.values.push_back(static_cast<double>(arm.plan.rows(p)));
  }
  result.series.push_back(std::move(hot));
}

std::vector<double> rows_of_ranks(const DispatchPlan& plan) {
  std::vector<double> rows(static_cast<std::size_t>(plan.num_ranks), 0.0);
  for (int p = 0; p < plan.num_physical; ++p) {
    const auto rank = plan.rank_of_expert[static_cast<std::size_t>(p)];
    rows[static_cast<std::size_t>(rank)] += static_cast<double>(plan.rows(p));
  }
  return rows;
}

}  // namespace hotexpert
