// Planning time of a DeepSeek-V3 model (58 layers of 256 experts), one thread. Counter `of_budget`:
// time / the 5 ms that rebalancing a live server allows for planning (1 = all of it).
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/placement/placement_method.hpp"
#include "tests/sim/placement/placement_instances.hpp"

namespace hotexpert {
namespace {

constexpr std::uint32_t kLayers = 58;
constexpr double kBudgetS = 0.005;

void plan_layers(benchmark::State& state, const std::string& method_text,
                 const PlacementTarget& target) {
  std::vector<std::vector<double>> loads;
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
    loads.push_back(testing::zipf_loads(256, 0.8, 8, layer));
  }
  const auto method = PlacementMethod::parse(method_text);
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
      benchmark::DoNotOptimize(method.place({loads[layer], target, {}, 1, layer}));
    }
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  state.counters["of_budget"] =
      elapsed.count() / (kBudgetS * static_cast<double>(state.iterations()));
}

const PlacementTarget kServing{.ranks = 32, .nodes = 4, .groups = 8, .slots = 288};
const PlacementTarget kWide{.ranks = 64, .nodes = 8, .groups = 8, .slots = 320};

BENCHMARK_CAPTURE(plan_layers, eplb_288_slots_32_ranks, "eplb", kServing)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan_layers, eplb_320_slots_64_ranks, "eplb", kWide)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan_layers, greedy_320_slots_64_ranks, "greedy", kWide)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan_layers, refine_320_slots_64_ranks, "refine", kWide)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(plan_layers, refine_span_320_slots_64_ranks, "refine:span=yes", kWide)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hotexpert
