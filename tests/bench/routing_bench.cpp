// Speed of plan_dispatch a core, in assignments a second, beside the memory traffic it cannot
// avoid: ids read twice, sources (and gate weights) written once, measured in the same run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/routing/plan_dispatch.hpp"

namespace hotexpert {
namespace {

constexpr int kExperts = 256;
constexpr int kSlots = 8;

struct Routing {
  std::vector<StoredExpert> ids;
  std::vector<float> weights;
  RoutingBatch batch;
};

/// Distinct experts, a quarter of the choices from the first 16: skewed enough to drop at factor 1.
Routing make_routing(std::int64_t tokens, bool weighted) {
  Routing routing;
  for (std::int64_t token = 0; token < tokens; ++token) {
    RandomStream stream({.seed = 1}, static_cast<std::uint32_t>(token));
    std::vector<StoredExpert> chosen;
    while (chosen.size() < kSlots) {
      const auto bound = stream.below(4) == 0 ? 16U : std::uint32_t{kExperts};
      const auto id = static_cast<StoredExpert>(stream.below(bound));
      if (std::find(chosen.begin(), chosen.end(), id) == chosen.end()) chosen.push_back(id);
    }
    routing.ids.insert(routing.ids.end(), chosen.begin(), chosen.end());
  }
  if (weighted) routing.weights.assign(routing.ids.size(), 0.125F);
  routing.batch = {.tokens = tokens,
                   .slots = kSlots,
                   .num_experts = kExperts,
                   .topk_ids = routing.ids,
                   .topk_weights = routing.weights,
                   .scores = {},
                   .source_rank = {},
                   .request_id = {}};
  return routing;
}

/// Seconds of the unavoidable traffic, best of several.
double traffic_floor_s(const Routing& routing) {
  std::vector<std::int32_t> source(routing.ids.size());
  std::vector<std::int32_t> token(routing.ids.size());
  std::vector<float> weight(routing.weights.size());
  double best = 1e30;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    std::int64_t sum = 0;
    for (const auto id : routing.ids) sum += id;
    benchmark::DoNotOptimize(sum);
    for (std::size_t i = 0; i < source.size(); ++i) {
      source[i] = routing.ids[i];
      token[i] = routing.ids[i];
    }
    std::copy(routing.weights.begin(), routing.weights.end(), weight.begin());
    benchmark::DoNotOptimize(source.data());
    benchmark::DoNotOptimize(token.data());
    benchmark::DoNotOptimize(weight.data());
    benchmark::ClobberMemory();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::min(best, elapsed.count());
  }
  return best;
}

void plan_dispatch_bench(benchmark::State& state, const CapacityPolicy& policy, bool weighted) {
  const auto routing = make_routing(state.range(0), weighted);
  const auto placement = ExpertPlacement::contiguous(kExperts, 8);
  DispatchPlanner planner(policy);
  DispatchPlan plan;
  double best = 1e30;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    planner.plan(routing.batch, placement, plan);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::min(best, elapsed.count());
    benchmark::DoNotOptimize(plan.source_slot.data());
  }
  const auto assignments = static_cast<double>(routing.ids.size());
  state.counters["assignments/s"] =
      benchmark::Counter(assignments, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["best_assignments/s"] = assignments / best;
  state.counters["times_traffic_floor"] = best / traffic_floor_s(routing);
  state.counters["dropped"] = static_cast<double>(plan.dropped.size()) / assignments;
}

const CapacityPolicy kDropless;
const CapacityPolicy kPosition{.factor = Decimal{1, 0}};
const CapacityPolicy kProbs{.factor = Decimal{1, 0}, .drop_policy = "probs"};

BENCHMARK_CAPTURE(plan_dispatch_bench, dropless, kDropless, false)
    ->RangeMultiplier(4)
    ->Range(4096, 65536);
BENCHMARK_CAPTURE(plan_dispatch_bench, position, kPosition, false)
    ->RangeMultiplier(4)
    ->Range(4096, 65536);
BENCHMARK_CAPTURE(plan_dispatch_bench, dropless_weighted, kDropless, true)->Arg(4096)->Arg(65536);
BENCHMARK_CAPTURE(plan_dispatch_bench, position_weighted, kPosition, true)->Arg(4096)->Arg(65536);
BENCHMARK_CAPTURE(plan_dispatch_bench, probs, kProbs, true)->Arg(4096)->Arg(65536);

}  // namespace
}  // namespace hotexpert
