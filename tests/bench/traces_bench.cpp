// Speed of trace generation, load counting and summaries, a core, beside floors measured in the
// same run: the random words alone, or reading the same bytes once.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <numeric>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/distinct_sampler.hpp"
#include "sim/traces/import_checks.hpp"
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

constexpr std::int64_t kDrawnIds = std::int64_t{1} << 22;
constexpr std::int64_t kStreamBytes = std::int64_t{128} << 20;  // more than a cache holds

/// The drawn ids again and again, so that they stream from memory as a long recording does.
template <class T>
TraceArrays recorded(int layers, int top_k, int experts) {
  SyntheticSpec spec;
  spec.num_experts = experts;
  spec.top_k = top_k;
  spec.layers = layers;
  spec.tokens = kDrawnIds / (layers * top_k);
  spec.model = "gaussian";
  spec.weights = false;
  auto arrays = arrays_of(*make_synthetic_trace(spec));
  const std::int64_t drawn = arrays.topk_ids.elements();
  const std::int64_t copies = kStreamBytes / (drawn * static_cast<std::int64_t>(sizeof(T))) + 1;
  std::vector<T> ids(static_cast<std::size_t>(drawn * copies));
  for (std::int64_t i = 0; i < drawn; ++i)
    ids[static_cast<std::size_t>(i)] = static_cast<T>(arrays.topk_ids.integer(i));
  for (std::int64_t i = 1; i < copies; ++i)
    std::copy_n(ids.begin(), drawn, ids.begin() + i * drawn);
  arrays.topk_ids = owned_array(std::move(ids), {spec.tokens * copies, layers, top_k});
  arrays.step_offsets.clear();
  arrays.num_experts = experts;  // as after import, which `trace info` always comes behind
  arrays.every_token_is_sound = arrays.every_slot_is_sound = true;
  return arrays;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::uint64_t sum_of_words(const std::byte* data, std::int64_t bytes) {
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < bytes / 8; ++i) sum += load_element<std::uint64_t>(data, i);
  return sum;
}

/// A recorded trace summarised, or its ids checked, beside its floor in the same iteration: the
/// bytes read once and added.
///   bytes/s              of ids
///   read_bytes/s         the floor: no reader of this file is faster here
///   of_floor             bytes/s / read_bytes/s: 0.1 = ten times as long as reading
///   floor_assignments/s  what reading alone would reach: 8-byte ids are bound by this
template <class T>
void scan(benchmark::State& state, bool check) {
  const auto layers = static_cast<int>(state.range(0));
  const auto top_k = static_cast<int>(state.range(1));
  const auto experts = static_cast<int>(state.range(2));
  const auto arrays = recorded<T>(layers, top_k, experts);
  const std::int64_t count = arrays.topk_ids.elements();
  double floor_s = 0;
  double scan_s = 0;
  for (auto _ : state) {
    const double start = cpu_seconds();
    benchmark::DoNotOptimize(
        sum_of_words(arrays.topk_ids.data, count * static_cast<std::int64_t>(sizeof(T))));
    const double read = cpu_seconds();
    if (check) {
      benchmark::DoNotOptimize(check_token_trace(arrays, experts).size());
    } else {
      benchmark::DoNotOptimize(summarize(arrays, experts, 4096).overall.cv);
    }
    const double done = cpu_seconds();
    floor_s += read - start;
    scan_s += done - read;
  }
  const auto assignments = static_cast<double>(count) * static_cast<double>(state.iterations());
  const double bytes = assignments * sizeof(T);
  state.counters["assignments/s"] = assignments / scan_s;
  state.counters["of_target"] = assignments / scan_s / 1e9;
  state.counters["bytes/s"] = bytes / scan_s;
  state.counters["read_bytes/s"] = bytes / floor_s;
  state.counters["floor_assignments/s"] = assignments / floor_s;
  state.counters["of_floor"] = floor_s / scan_s;
}
void shapes(benchmark::internal::Benchmark* bench) {
  bench->Args({24, 4, 32})
      ->Args({58, 8, 256})
      ->Args({1, 8, 256})
      ->Args({6, 1, 8})
      ->Args({26, 6, 64});
  bench->ArgNames({"layers", "k", "E"});
}
void summarize_u8(benchmark::State& state) { scan<std::uint8_t>(state, false); }
void summarize_i16(benchmark::State& state) { scan<std::int16_t>(state, false); }
void summarize_i32(benchmark::State& state) { scan<std::int32_t>(state, false); }
void summarize_i64(benchmark::State& state) { scan<std::int64_t>(state, false); }
void check_i16(benchmark::State& state) { scan<std::int16_t>(state, true); }
void check_i64(benchmark::State& state) { scan<std::int64_t>(state, true); }
BENCHMARK(summarize_u8)->Args({24, 4, 32})->ArgNames({"layers", "k", "E"});
BENCHMARK(summarize_i16)->Apply(shapes);
BENCHMARK(summarize_i32)->Apply(shapes);
BENCHMARK(summarize_i64)->Apply(shapes);
BENCHMARK(check_i16)->Apply(shapes);
BENCHMARK(check_i64)->Args({24, 4, 32})->ArgNames({"layers", "k", "E"});

}  // namespace
}  // namespace hotexpert
