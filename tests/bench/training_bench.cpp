// A training step of the default lab (E = 16, k = 2, 64 x 128, 1,024 tokens) on one core. Counters:
//   of_flop_floor  time / (floating-point operations of the step / the rate of a 512^3 product)
//   of_budget      time / the 10 ms that 1,000 steps in 10 s allow
// Times are the thread's processor time: other work on the machine adds none.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <string>

#include "sim/training/products.hpp"
#include "sim/training/trainer.hpp"

namespace hotexpert::training {
namespace {

constexpr double kBudgetS = 0.010;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Operations a second of a large product, best of a few.
double product_rate() {
  constexpr std::int64_t n = 512;
  const Matrix<float> a(n, n);
  const Matrix<float> b(n, n);
  Matrix<float> c(n, n);
  double best_s = 1e9;
  for (int i = 0; i < 5; ++i) {
    const double start = cpu_seconds();
    products<float>().multiply(n, n, n, a.data(), b.data(), c.data());
    benchmark::DoNotOptimize(c.data());
    best_s = std::min(best_s, cpu_seconds() - start);
  }
  return 2.0 * n * n * n / best_s;
}

/// Of experts (three products forward, and for the gradients of three weights and of the
/// activation; the task needs no gradient of its input) and router; the task's targets once.
double step_flops(const TrainConfig& config) {
  const auto width = static_cast<double>(config.d_model);
  const auto tokens = static_cast<double>(config.tokens);
  const double experts =
      (3 + 3 + 1) * 2 * tokens * config.top_k * width * static_cast<double>(config.d_ff);
  const double router = 2 * 2 * tokens * width * config.num_experts;
  const double targets = 2 * tokens * width * width;
  return experts + router + targets;
}

void train_steps(benchmark::State& state, const std::string& method) {
  TrainConfig config;
  config.method = method;
  config.steps = 1'000'000;
  Trainer trainer(config);
  const double rate = product_rate();
  const double floor_s = step_flops(config) / rate;
  for (int step = 0; step < 20; ++step) trainer.advance();
  const double start = cpu_seconds();
  for (auto _ : state) benchmark::DoNotOptimize(trainer.advance());
  const double step_s = (cpu_seconds() - start) / static_cast<double>(state.iterations());
  state.counters["product_flop/s"] = rate;
  state.counters["of_flop_floor"] = step_s / floor_s;
  state.counters["of_budget"] = step_s / kBudgetS;
}

BENCHMARK_CAPTURE(train_steps, none, "none")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(train_steps, megatron, "megatron")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(train_steps, bias, "bias")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(train_steps, importance_load, "importance+load")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(train_steps, sinkhorn, "sinkhorn")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hotexpert::training
