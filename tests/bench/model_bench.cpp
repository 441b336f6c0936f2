// Pricing load vectors. The floor: 10^6 vectors a minute on one core.
#include <benchmark/benchmark.h>

#include <vector>

#include "sim/base/random.hpp"
#include "sim/model/layer_law.hpp"

namespace hotexpert {
namespace {

constexpr double kFloorPerSecond = 1e6 / 60;

DeviceDescription device() {
  DeviceDescription out;
  out.name = "bench";
  out.units = 132;
  out.peak_bf16_flops_per_s = 989e12;
  out.peak_fp32_flops_per_s = 67e12;
  out.peak_memory_bytes_per_s = 3.35e12;
  out.cache_bytes = 50e6;
  out.memory_bytes = 80e9;
  out.program.tiles = {{16, 128},  {32, 128}, {64, 128}, {128, 128}, {256, 128},
                       {128, 256}, {16, 64},  {32, 64},  {64, 64}};
  return out;
}

/// Loads of 256 experts, 1,024 vectors, uneven.
std::vector<std::vector<std::int64_t>> load_vectors() {
  RandomStream random({1, RandomPurpose::kTest, 0, 0}, 0);
  std::vector<std::vector<std::int64_t>> out(1024, std::vector<std::int64_t>(256));
  for (auto& vector : out) {
    for (auto& load : vector) load = static_cast<std::int64_t>(200 * random.exponential());
  }
  return out;
}

void price_vectors(benchmark::State& state, KernelFamily family) {
  LayerShape shape;
  shape.num_experts = 256;
  shape.top_k = 8;
  shape.d_model = 7168;
  shape.d_ff = 2048;
  shape.dtype = DataType::kBf16;
  const LayerLaw law(device(), shape, family, 256);
  const auto vectors = load_vectors();
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(law.price(8192, vectors[next]).total_s);
    next = (next + 1) % vectors.size();
  }
  state.counters["times_floor"] = benchmark::Counter(
      static_cast<double>(state.iterations()) / kFloorPerSecond, benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(price_vectors, grouped, KernelFamily::kGrouped);
BENCHMARK_CAPTURE(price_vectors, padded, KernelFamily::kPadded);
BENCHMARK_CAPTURE(price_vectors, loop, KernelFamily::kLoop);

}  // namespace
}  // namespace hotexpert
