#include "profiler/cpu_backend.hpp"

#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "kernels/aligned_buffer.hpp"
#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/cpu/permute.hpp"
#include "profiler/annotate.hpp"
#include "profiler/clock.hpp"
#include "profiler/cpu_training_layer.hpp"
#include "profiler/layer_check.hpp"
#include "profiler/processor_clock.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

/// One loaded plan with its buffers.
struct LoadedPlan {
  ExpertRows rows;
  AlignedBuffer activations;  ///< [tokens, d_model]
  AlignedBuffer expert_in;    ///< [buffer rows, d_model] in the kernel's column blocks
  AlignedBuffer expert_out;   ///< [buffer rows, d_model]
  std::vector<float> out;     ///< [tokens, d_model]
  RowsBuffer in_view;
  std::unique_ptr<ExpertPass> pass;
};

class CpuLayer final : public PreparedLayer {
 public:
  CpuLayer(const LayerShape& shape, std::unique_ptr<CpuExpertKernel> kernel, int num_experts,
           std::uint64_t seed, int threads)
      : shape_(shape), kernel_(std::move(kernel)), seed_(seed), threads_(threads) {
    ExpertWeights weights;
    for (int expert = 0; expert < num_experts; ++expert) {
      draw_expert_weights(shape_, seed_, expert, threads_, weights);
      kernel_->set_weights(expert, weights);
    }
  }

  int load(const DispatchPlan& plan) override {
    auto loaded = std::make_unique<LoadedPlan>();
    loaded->rows = kernel_->arrange(plan);
    const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
    loaded->activations.reserve(std::max<std::int64_t>(1, plan.tokens * row_bytes));
    draw_activations(shape_, seed_, plan.tokens, threads_, loaded->activations.data());
    loaded->expert_in.reserve(std::max<std::int64_t>(1, loaded->rows.buffer_rows() * row_bytes));
    loaded->expert_out.reserve(std::max<std::int64_t>(1, loaded->rows.buffer_rows() * row_bytes));
    loaded->expert_in.poison();
    loaded->expert_out.poison();
    kernel_->poison_workspace();
    loaded->out.assign(static_cast<std::size_t>(plan.tokens * shape_.d_model), 0.0F);
    loaded->in_view = {loaded->expert_in.data(), loaded->rows.buffer_rows(),
                       kernel_->input_blocks(), shape_.dtype, 0};
    loaded->pass = kernel_->prepare(loaded->rows);
    plans_.push_back(std::move(loaded));
    return static_cast<int>(plans_.size()) - 1;
  }

  void unload() override { plans_.clear(); }

  PhaseTimes run(int handle) override {
    return pass_over(at(handle),
                     [](ExpertPass& pass, const RowsView& x, std::byte* y) { pass.run(x, y); });
  }

  TracedPass run_traced(int handle) override {
    TileRecords tiles;
    TracedPass traced;
    const double before_hz = processor_clock_hz(clock_);
    traced.times = pass_over(at(handle), [&](ExpertPass& pass, const RowsView& x, std::byte* y) {
      const double used_s = process_cpu_s();
      pass.run_traced(x, y, tiles);
      traced.processor_s = process_cpu_s() - used_s;
    });
    traced.untraced = std::move(tiles.untraced);
    traced.clock_hz = (before_hz + processor_clock_hz(clock_)) / 2;
    traced.timeline = make_timeline(std::move(tiles.grid), std::move(tiles.records));
    return traced;
  }

  std::vector<float> read_output(int handle) override { return at(handle).out; }

  double verify(int handle, int& bad_expert) override {
    const auto& plan = at(handle);
    const LayerOutput output{&plan.rows, plan.activations.data(), plan.expert_out.data(),
                             plan.out.data()};
    const LayerError error = check_layer(shape_, seed_, output, threads_);
    bad_expert = error.expert;
    return error.largest;
  }

  [[nodiscard]] std::int64_t computed_rows(int handle) const override {
    return plans_.at(static_cast<std::size_t>(handle))->rows.computed_rows();
  }

 private:
  /// @param compute (pass, x, y): runs the experts
  template <class Compute>
  PhaseTimes pass_over(LoadedPlan& plan, const Compute& compute) {
    PhaseTimes times;
    const auto timed = [&](RangeName stage, std::optional<double>& seconds, const auto& work) {
      const AnnotatedRange range(stage);
      const double start = clock_.now_s();
      work();
      seconds = clock_.now_s() - start;
    };
    const double start = clock_.now_s();
    timed(RangeName::kPermute, times.permute_s,
          [&] { permute(plan.rows, plan.activations.data(), plan.in_view, threads_); });
    timed(RangeName::kExpert, times.expert_ffn_s, [&] {
      const auto& view = plan.in_view;
      compute(*plan.pass, RowsView{view.data, view.rows, view.blocks, view.dtype, 0},
              plan.expert_out.data());
    });
    timed(RangeName::kCombine, times.combine_s, [&] {
      combine(plan.rows, plan.expert_out.data(), shape_.dtype, shape_.d_model, plan.out.data(),
              threads_);
    });
    times.total_s = clock_.now_s() - start;
    return times;
  }

  LoadedPlan& at(int handle) { return *plans_.at(static_cast<std::size_t>(handle)); }

  LayerShape shape_;
  std::unique_ptr<CpuExpertKernel> kernel_;
  std::uint64_t seed_;
  int threads_;
  SteadyClock clock_;
  std::vector<std::unique_ptr<LoadedPlan>> plans_;  // after kernel_: passes end before their kernel
};

std::int64_t free_memory_bytes() {
  return static_cast<std::int64_t>(sysconf(_SC_AVPHYS_PAGES)) *
         static_cast<std::int64_t>(sysconf(_SC_PAGESIZE));
}

class CpuBackend final : public LayerBackend {
 public:
  CpuBackend(int threads, LayerPass pass)
      : threads_(threads > 0 ? threads : omp_get_num_procs()), pass_(pass) {}

  [[nodiscard]] BackendInfo info() const override {
    return {"cpu", fmt::format("{} thread{}", threads_, threads_ == 1 ? "" : "s"),
            Provenance::kMeasured, ""};
  }

  [[nodiscard]] std::optional<std::string> unsupported(const LayerShape& shape,
                                                       std::string_view kernel) const override {
    const int num_experts = shape.num_experts + shape.num_shared_experts;
    auto reason = cpu_kernel_unsupported(shape, kernel, num_experts, threads_);
    if (pass_ != LayerPass::kForward && !has_backward_pass(kernel)) {
      return fmt::format(
          "kernel '{}' has no backward pass; use layer.pass forward, or kernel 'loop', 'padded' or "
          "'grouped'",
          choice_name(kernel));
    }
    const std::int64_t needed = bytes_per_expert(shape) * (num_experts + 1);
    if (needed > free_memory_bytes()) {
      return fmt::format(
          "the experts' weights need {:.1f} GiB and {:.1f} GiB of memory are free; raise "
          "layer.scale",
          static_cast<double>(needed) / (1 << 30),
          static_cast<double>(free_memory_bytes()) / (1 << 30));
    }
    return reason;
  }

  std::unique_ptr<PreparedLayer> prepare(const LayerShape& shape, std::string_view kernel,
                                         int num_physical, std::uint64_t seed) override {
    const int num_experts = num_physical + shape.num_shared_experts;
    if (pass_ != LayerPass::kForward) {
      return make_cpu_training_layer(shape,
                                     make_cpu_training_kernel(shape, kernel, num_experts, threads_),
                                     num_experts, seed, threads_, pass_);
    }
    return std::make_unique<CpuLayer>(shape, make_cpu_kernel(shape, kernel, num_experts, threads_),
                                      num_experts, seed, threads_);
  }

 private:
  /// Weights as kernels hold them: with a backward pass in two forms, and fp32 gradients.
  [[nodiscard]] std::int64_t bytes_per_expert(const LayerShape& shape) const {
    const std::int64_t weights = weight_bytes_per_expert(shape);
    if (pass_ == LayerPass::kForward) return weights;
    return 2 * weights + weights / bytes_per_element(shape.dtype) * std::int64_t{sizeof(float)};
  }

  int threads_;
  LayerPass pass_;
};

}  // namespace

std::unique_ptr<LayerBackend> make_cpu_backend(int threads, LayerPass pass) {
  return std::make_unique<CpuBackend>(threads, pass);
}

}  // namespace hotexpert
