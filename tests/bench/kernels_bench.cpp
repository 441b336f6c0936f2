// Expert kernels against floors measured in the same run, interleaved with them: the machine's
// large GEMM, its memory read and copy bandwidth. Counters `ratio` are fastest against fastest.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/cpu/permute.hpp"
#include "kernels/normal_data.hpp"
#include "kernels/parallel.hpp"
#include "sim/base/registry.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

using Clock = std::chrono::steady_clock;

int threads() { return omp_get_num_procs(); }

double seconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Runs `work` and `floor` in turns, reports the work's time and the ratio of the two rates.
void race(benchmark::State& state, double work_amount, const std::function<void()>& work,
          double floor_amount, const std::function<void()>& floor, const std::string& unit) {
  double best_work = std::numeric_limits<double>::infinity();
  double best_floor = best_work;
  work();
  floor();
  for (auto _ : state) {
    const double now = seconds(work);
    state.SetIterationTime(now);
    best_work = std::min(best_work, now);
    best_floor = std::min(best_floor, seconds(floor));
  }
  state.counters[unit] = work_amount / best_work * 1e-9;
  state.counters["floor_" + unit] = floor_amount / best_floor * 1e-9;
  state.counters["ratio"] = work_amount / best_work / (floor_amount / best_floor);
}

LayerShape layer(std::int64_t d_model, std::int64_t d_ff, DataType dtype) {
  LayerShape shape;
  shape.top_k = 1;
  shape.d_model = d_model;
  shape.d_ff = d_ff;
  shape.dtype = dtype;
  return shape;
}

/// oneDNN's own product of 2048 x 2048 x 2048 on all threads.
class LargeGemm {
 public:
  static constexpr std::int64_t kSize = 2048;
  static constexpr double kFlops = 2.0 * kSize * kSize * kSize;

  explicit LargeGemm(DataType dtype) {
    using dnnl::memory;
    omp_set_num_threads(threads());
    const auto type = dtype == DataType::kFp32 ? memory::data_type::f32 : memory::data_type::bf16;
    const memory::desc plain({kSize, kSize}, type, memory::format_tag::ab);
    const memory::desc any({kSize, kSize}, type, memory::format_tag::any);
    const dnnl::matmul::primitive_desc described({plain, any, plain}, engine_);
    matmul_ = dnnl::matmul(described);
    a_ = memory(plain, engine_);
    b_ = memory(described.weights_desc(), engine_);
    c_ = memory(plain, engine_);
    for (auto* matrix : {&a_, &b_}) {
      fill_normal({1, RandomPurpose::kTest, 0, 0}, 0, 0, kSize * kSize, 0.02F, dtype,
                  static_cast<std::byte*>(matrix->get_data_handle()));
    }
  }
  void run() {
    matmul_.execute(stream_, {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}});
    stream_.wait();
  }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  dnnl::matmul matmul_;
  dnnl::memory a_, b_, c_;
};

/// A kernel over `experts` experts with `rows` rows each, ready to run.
class ExpertPassUnderTest {
 public:
  ExpertPassUnderTest(std::string_view kernel, const LayerShape& shape, int experts,
                      std::int64_t rows) {
    const auto& row = find_row(cpu_kernels(), "kernel", kernel);
    kernel_ = row.make(shape, NamedChoice::parse(kernel, row.params, "kernel"), experts, threads());
    ExpertWeights weights;
    for (int expert = 0; expert < experts; ++expert) {
      draw_expert_weights(shape, 1, expert, threads(), weights);
      kernel_->set_weights(expert, weights);
    }
    const auto routing = test::route(experts * rows, 1, experts, [&](auto token, int) {
      return static_cast<int>(token / rows);
    });
    const auto plan = test::plan_of(routing);
    const auto placed = kernel_->arrange(plan);
    const std::int64_t bytes =
        placed.buffer_rows() * shape.d_model * bytes_per_element(shape.dtype);
    x_ = AlignedBuffer(bytes);
    y_ = AlignedBuffer(bytes);
    draw_activations(shape, 1, placed.buffer_rows(), threads(), x_.data());
    pass_ = kernel_->prepare(placed);
    view_ = {x_.data(), placed.buffer_rows(), kernel_->input_blocks(), shape.dtype};
  }
  void run() { pass_->run(view_, y_.data()); }

 private:
  std::unique_ptr<CpuExpertKernel> kernel_;
  std::unique_ptr<ExpertPass> pass_;
  AlignedBuffer x_;
  AlignedBuffer y_;
  RowsView view_;
};

void experts_against_large_gemm(benchmark::State& state, std::string_view kernel, DataType dtype) {
  const auto shape = layer(state.range(0), state.range(1), dtype);
  const std::int64_t rows = state.range(2);
  const int experts = static_cast<int>(std::max<std::int64_t>(2, 1024 / rows));
  ExpertPassUnderTest pass(kernel, shape, experts, rows);
  LargeGemm gemm(dtype);
  race(
      state, flops_per_expert(shape, experts * rows), [&] { pass.run(); }, LargeGemm::kFlops,
      [&] { gemm.run(); }, "GFLOP/s");
}

/// Sums 64-bit words of a large buffer on all threads: the read bandwidth of the machine.
class MemoryRead {
 public:
  explicit MemoryRead(std::int64_t bytes) : buffer_(bytes) { buffer_.poison(); }
  void run() {
    const auto* words = buffer_.as<std::uint64_t>();
    parallel_ranges(threads(), buffer_.bytes() / 8, [&](std::int64_t begin, std::int64_t end) {
      std::uint64_t sum = 0;
      for (std::int64_t i = begin; i < end; ++i) sum += words[i];
      benchmark::DoNotOptimize(sum);
    });
  }

 private:
  AlignedBuffer buffer_;
};

/// Few rows an expert: the weights must come from memory, and nothing else counts.
void experts_against_memory(benchmark::State& state, std::string_view kernel, DataType dtype) {
  const auto shape = layer(1024, 2048, dtype);
  constexpr std::int64_t kWeightBytes = std::int64_t{768} << 20;
  const auto experts = static_cast<int>(kWeightBytes / weight_bytes_per_expert(shape));
  const std::int64_t bytes = experts * weight_bytes_per_expert(shape);
  ExpertPassUnderTest pass(kernel, shape, experts, state.range(0));
  MemoryRead memory(bytes);
  race(
      state, static_cast<double>(bytes), [&] { pass.run(); }, static_cast<double>(bytes),
      [&] { memory.run(); }, "GB/s");
}

/// Buffers of one layer for permute and combine: 4,096 tokens to 2 of 64 experts.
struct MovedRows {
  static constexpr std::int64_t kTokens = 8192;
  LayerShape shape = layer(2048, 1, DataType::kFp32);
  ExpertRows rows;
  AlignedBuffer tokens, expert_rows;

  MovedRows() {
    const auto routing = test::route(
        kTokens, 2, 64, [](auto t, int s) { return static_cast<int>((t * 37 + s * 11) % 64); });
    rows = compact_rows(test::plan_of(routing), shape);
    const std::int64_t row_bytes = shape.d_model * 4;
    tokens = AlignedBuffer(kTokens * row_bytes);
    expert_rows = AlignedBuffer(rows.buffer_rows() * row_bytes);
    draw_activations(shape, 1, kTokens, threads(), tokens.data());
    draw_activations(shape, 1, rows.buffer_rows(), threads(), expert_rows.data());
  }
};

/// Copies rows in order with the same calls: what gathering them out of order can reach at best.
void copy_rows(const std::byte* from, std::byte* to, std::int64_t rows, std::int64_t row_bytes) {
  parallel_ranges(threads(), rows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      std::memcpy(to + row * row_bytes, from + row * row_bytes,
                  static_cast<std::size_t>(row_bytes));
    }
  });
}

void permute_against_copy(benchmark::State& state) {
  MovedRows moved;
  const std::int64_t row_bytes = moved.shape.d_model * 4;
  AlignedBuffer into(moved.rows.buffer_rows() * row_bytes);
  const RowsBuffer view{into.data(),
                        moved.rows.buffer_rows(),
                        {moved.shape.d_model, moved.shape.d_model},
                        DataType::kFp32};
  const double bytes = 2.0 * static_cast<double>(into.bytes());
  race(
      state, bytes, [&] { permute(moved.rows, moved.tokens.data(), view, threads()); }, bytes,
      [&] {
        copy_rows(moved.expert_rows.data(), into.data(), moved.rows.buffer_rows(), row_bytes);
      },
      "GB/s");
}

void combine_against_copy(benchmark::State& state) {
  MovedRows moved;
  AlignedBuffer out(moved.tokens.bytes());
  const double bytes = static_cast<double>(moved.expert_rows.bytes() + out.bytes());
  const std::int64_t row_bytes = moved.shape.d_model * 4;
  race(
      state, bytes,
      [&] {
        combine(moved.rows, moved.expert_rows.data(), DataType::kFp32, moved.shape.d_model,
                out.as<float>(), threads());
      },
      2.0 * static_cast<double>(out.bytes()),
      [&] { copy_rows(moved.expert_rows.data(), out.data(), MovedRows::kTokens, row_bytes); },
      "GB/s");
}

void draw_weights(benchmark::State& state) {
  const auto shape = layer(1024, 4096, DataType::kFp32);
  ExpertWeights weights;
  for (auto _ : state) draw_expert_weights(shape, 1, 0, threads(), weights);
  state.counters["numbers/s"] =
      benchmark::Counter(static_cast<double>(shape.d_model * shape.d_ff * 3),
                         benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"d_model", "d_ff", "rows"});
  for (const int d_ff : {2048, 4096}) {
    for (const int rows : {256, 1024}) bench->Args({1024, d_ff, rows});
  }
  bench->Args({4096, 2048, 512})->Args({2048, 768, 300});
  bench->UseManualTime()->Unit(benchmark::kMillisecond)->MinTime(1.0);
}

void few_rows(benchmark::internal::Benchmark* bench) {
  bench->ArgName("rows")->Arg(1)->Arg(4)->Arg(16);
  bench->UseManualTime()->Unit(benchmark::kMillisecond)->MinTime(1.0);
}

BENCHMARK_CAPTURE(experts_against_large_gemm, grouped_fp32, "grouped", DataType::kFp32)
    ->Apply(shapes);
BENCHMARK_CAPTURE(experts_against_large_gemm, grouped_bf16, "grouped", DataType::kBf16)
    ->Apply(shapes);
BENCHMARK_CAPTURE(experts_against_large_gemm, eigen_grouped_fp32, "eigen-grouped", DataType::kFp32)
    ->Args({1024, 2048, 256})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(experts_against_memory, grouped_fp32, "grouped", DataType::kFp32)
    ->Apply(few_rows);
BENCHMARK_CAPTURE(experts_against_memory, grouped_bf16, "grouped", DataType::kBf16)
    ->Apply(few_rows);
BENCHMARK(permute_against_copy)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(combine_against_copy)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(draw_weights)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace hotexpert
