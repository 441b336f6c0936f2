// Speed of plan_dispatch a core, in assignments a second, beside the memory traffic it cannot
// avoid: ids read twice, sources (and gate weights) written once, measured in the same run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/metrics/drop_spectrum.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/traces/importers/importer.hpp"
#include "sim/traces/recorded_trace.hpp"

namespace hotexpert {
namespace {

constexpr int kExperts = 256;
constexpr int kSlots = 8;
const std::string kMappedIds = HOTEXPERT_SOURCE_DIR "/../shared/traces/gpt-oss-20b/topk_ids_u8.npy";

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

/// The whole spectrum of a step from its ids in memory: count, sort, summarise at 16 capacities.
void spectrum_bench(benchmark::State& state) {
  const auto routing = make_routing(state.range(0), false);
  std::vector<std::int64_t> capacities;
  for (std::int64_t i = 1; i <= 16; ++i)
    capacities.push_back(state.range(0) * kSlots * i / 8 / kExperts);
  SpectrumSummary summary(capacities, {Decimal(0, 0), Decimal(1, 2)});
  std::vector<std::int64_t> load(kExperts);
  DropSpectrum spectrum;
  for (auto _ : state) {
    std::fill(load.begin(), load.end(), 0);
    count_load(routing.batch, load);
    spectrum.assign(load);
    summary.add(spectrum);
  }
  state.counters["assignments/s"] = benchmark::Counter(
      static_cast<double>(routing.ids.size()), benchmark::Counter::kIsIterationInvariantRate);
}

/// The gpt-oss trace (uint8, 32 experts, top-4) as `hotexpert drops` opens it: checked once. With
/// weights they are checked and read too.
std::unique_ptr<RoutingTrace> mapped_trace(bool weights, std::int64_t step_tokens) {
  ImportOptions options;
  options.num_experts = 32;
  options.weights_file = weights ? "" : "none";
  auto imported = import_trace({kMappedIds}, options);
  return make_recorded_trace(std::move(*imported.recording.arrays),
                             {.num_experts = 32, .tokens_per_step = step_tokens});
}

/// Processor time: what else the machine does adds none.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double sum_bytes_s(const ArrayView& array) {
  const std::int64_t words = array.elements() * static_cast<std::int64_t>(size_of(array.type)) / 8;
  double best = 1e30;
  for (int repeat = 0; repeat < 10; ++repeat) {
    const double start = cpu_seconds();
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < words; ++i) sum += load_element<std::uint64_t>(array.data, i);
    benchmark::DoNotOptimize(sum);
    best = std::min(best, cpu_seconds() - start);
  }
  return best;
}

/// The whole spectrum of every step and layer of a mapped trace, its check at opening included in
/// the time. of_target: of 500 M assignments/s; of_floor: of reading its bytes once.
void spectrum_of_mapped_trace_bench(benchmark::State& state, bool weights) {
  if (!std::filesystem::exists(kMappedIds)) {
    state.SkipWithError("the gpt-oss trace is absent");
    return;
  }
  SpectrumSummary summary({}, {Decimal(1, 2)});
  std::vector<std::int64_t> load(32);
  DropSpectrum spectrum;
  BatchBuffer buffer;
  std::int64_t assignments = 0;
  double taken_s = 0;
  for (auto _ : state) {
    const double start = cpu_seconds();
    const auto trace = mapped_trace(weights, state.range(0));
    for (std::int64_t step = 0; step < trace->info().steps; ++step) {
      for (int layer = 0; layer < trace->info().layers; ++layer) {
        const auto batch = trace->read(step, layer, buffer);
        std::fill(load.begin(), load.end(), 0);
        count_load(batch, load);
        spectrum.assign(load);
        summary.add(spectrum);
        assignments += batch.assignments();
      }
    }
    taken_s += cpu_seconds() - start;
  }
  const auto ids = open_trace_arrays(kMappedIds, weights ? "" : "none");
  const double floor_s =
      sum_bytes_s(ids.topk_ids) + (ids.weights ? sum_bytes_s(*ids.weights) : 0.0);
  state.counters["assignments/s"] = static_cast<double>(assignments) / taken_s;
  state.counters["of_target"] = static_cast<double>(assignments) / taken_s / 500e6;
  state.counters["of_floor"] = floor_s * static_cast<double>(state.iterations()) / taken_s;
}

BENCHMARK(spectrum_bench)->Arg(1024)->Arg(4096)->Arg(65536);
BENCHMARK_CAPTURE(spectrum_of_mapped_trace_bench, ids, false)->Arg(1024)->Arg(16384);
BENCHMARK_CAPTURE(spectrum_of_mapped_trace_bench, ids_and_weights, true)->Arg(1024)->Arg(16384);
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
