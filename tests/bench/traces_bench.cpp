// Speed of trace generation and load counting, a core, beside a floor measured in the same run:
// reading the same bytes once.
#include <benchmark/benchmark.h>

#include <numeric>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/distinct_sampler.hpp"
#include "sim/traces/philox_lanes.hpp"
#include "sim/traces/synthetic_trace.hpp"
#include "sim/traces/trace_summary.hpp"
#include "sim/traces/trace_writer.hpp"

namespace hotexpert {
namespace {

constexpr int kExperts = 256;
constexpr int kTopK = 8;
constexpr std::int64_t kTokens = 65536;

SyntheticSpec spec_of(const char* model) {
  SyntheticSpec spec;
  spec.num_experts = kExperts;
  spec.top_k = kTopK;
  spec.tokens = kTokens;
  spec.steps = 1000;
  spec.model = model;
  spec.weights = false;
  return spec;
}

void set_rate(benchmark::State& state, double target_per_s) {
  const double assignments = static_cast<double>(state.iterations()) * kTokens * kTopK;
  state.counters["assignments/s"] = benchmark::Counter(assignments, benchmark::Counter::kIsRate);
  state.counters["of_target"] =
      benchmark::Counter(assignments / target_per_s, benchmark::Counter::kIsRate);
}

void generate(benchmark::State& state, const char* model, bool weights) {
  auto spec = spec_of(model);
  spec.weights = weights;
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  std::int64_t step = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(trace->read(step++ % spec.steps, 0, buffer).topk_ids.data());
  }
  set_rate(state, 60e6);
}
BENCHMARK_CAPTURE(generate, uniform, "uniform", false);
BENCHMARK_CAPTURE(generate, zipf_1, "zipf:exponent=1", false);
BENCHMARK_CAPTURE(generate, gaussian, "gaussian", false);
BENCHMARK_CAPTURE(generate, hot_90_percent, "hot:share=0.9", false);
BENCHMARK_CAPTURE(generate, uniform_with_weights, "uniform", true);

/// The floor of generation: the random words alone, k a token.
void philox_words(benchmark::State& state) {
  std::vector<std::uint32_t> items(kTokens);
  std::iota(items.begin(), items.end(), 0U);
  std::vector<std::uint32_t> words(4 * 256);
  for (auto _ : state) {
    for (std::size_t start = 0; start < items.size(); start += 256) {
      for (std::uint32_t block = 0; block < kTopK / 4; ++block) {
        philox_lanes({.seed = 1}, std::span(items).subspan(start, 256), block, words);
        benchmark::DoNotOptimize(words.data());
      }
    }
  }
  set_rate(state, 60e6);
}
BENCHMARK(philox_words);

void count(benchmark::State& state, const char* model) {
  const auto trace = make_synthetic_trace(spec_of(model));
  BatchBuffer buffer;
  const auto batch = trace->read(0, 0, buffer);
  std::vector<std::int64_t> load(kExperts);
  for (auto _ : state) {
    count_load(batch, load);
    benchmark::DoNotOptimize(load.data());
  }
  set_rate(state, 1.5e9);
}
BENCHMARK_CAPTURE(count, uniform, "uniform");
BENCHMARK_CAPTURE(count, hot_90_percent, "hot:share=0.9");

/// The floor of counting: the ids summed, vectorised.
void sum_ids(benchmark::State& state) {
  const auto trace = make_synthetic_trace(spec_of("uniform"));
  BatchBuffer buffer;
  const auto batch = trace->read(0, 0, buffer);
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::accumulate(batch.topk_ids.begin(), batch.topk_ids.end(), 0));
  }
  set_rate(state, 1.5e9);
}
BENCHMARK(sum_ids);

/// A recorded trace summarised from memory: counts, overlap and checks in one pass.
void summarize_recorded(benchmark::State& state) {
  auto spec = spec_of("gaussian");
  spec.steps = 1;
  const auto arrays = arrays_of(*make_synthetic_trace(spec));
  for (auto _ : state) {
    benchmark::DoNotOptimize(summarize(arrays, kExperts, 4096).overall.cv);
  }
  set_rate(state, 1e9);
}
BENCHMARK(summarize_recorded);

}  // namespace
}  // namespace hotexpert
