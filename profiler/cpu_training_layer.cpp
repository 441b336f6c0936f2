#include "profiler/cpu_training_layer.hpp"

#include <algorithm>
#include <utility>

#include "kernels/aligned_buffer.hpp"
#include "kernels/cpu/permute.hpp"
#include "kernels/cpu/route_gradients.hpp"
#include "kernels/cpu/tile_tracer.hpp"
#include "profiler/annotate.hpp"
#include "profiler/backward_check.hpp"
#include "profiler/clock.hpp"
#include "profiler/processor_clock.hpp"

namespace hotexpert {
namespace {

/// One loaded plan with its buffers. Blocked buffers are in the kernel's column blocks.
struct TrainingPlan {
  ExpertRows rows;
  ExpertRows gradient_rows;      ///< rows, every weight 1
  AlignedBuffer activations;     ///< [tokens, d_model]
  AlignedBuffer d_out;           ///< [tokens, d_model] gradient of the output
  AlignedBuffer x, d_y;          ///< [buffer rows, d_model] blocked
  AlignedBuffer y, d_x;          ///< [buffer rows, d_model]
  std::vector<float> out;        ///< [tokens, d_model]
  std::vector<float> d_in;       ///< [tokens, d_model] gradient of the input
  std::vector<float> d_weights;  ///< [tokens, slots] gradients of the gate weights
  RowsBuffer x_view, d_y_view;
  std::unique_ptr<TrainingPass> pass;
};

RowsView view(const RowsBuffer& rows) { return {rows.data, rows.rows, rows.blocks, rows.dtype, 0}; }

class CpuTrainingLayer final : public PreparedLayer {
 public:
  CpuTrainingLayer(const LayerShape& shape, std::unique_ptr<CpuTrainingKernel> kernel,
                   int num_experts, std::uint64_t seed, int threads, LayerPass pass)
      : shape_(shape), kernel_(std::move(kernel)), seed_(seed), threads_(threads), pass_(pass) {
    ExpertWeights weights;
    for (int expert = 0; expert < num_experts; ++expert) {
      draw_expert_weights(shape_, seed_, expert, threads_, weights);
      kernel_->set_weights(expert, weights);
    }
  }

  int load(const DispatchPlan& plan) override {
    auto loaded = std::make_unique<TrainingPlan>();
    loaded->rows = kernel_->arrange(plan);
    loaded->gradient_rows = unweighted(loaded->rows);
    const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
    const auto reserve = [&](AlignedBuffer& buffer, std::int64_t rows) {
      buffer.reserve(std::max<std::int64_t>(1, rows * row_bytes));
      buffer.poison();
    };
    const std::int64_t rows = loaded->rows.buffer_rows();
    for (auto* buffer : {&loaded->activations, &loaded->d_out}) reserve(*buffer, plan.tokens);
    for (auto* buffer : {&loaded->x, &loaded->d_y, &loaded->y, &loaded->d_x})
      reserve(*buffer, rows);
    draw_activations(shape_, seed_, plan.tokens, threads_, loaded->activations.data());
    draw_output_gradient(shape_, seed_, plan.tokens, threads_, loaded->d_out.data());
    const auto tokens = static_cast<std::size_t>(plan.tokens * shape_.d_model);
    loaded->out.assign(tokens, 0.0F);
    loaded->d_in.assign(tokens, 0.0F);
    loaded->d_weights.assign(loaded->rows.row_of_slot.size(), 0.0F);
    loaded->x_view = {loaded->x.data(), rows, kernel_->input_blocks(), shape_.dtype, 0};
    loaded->d_y_view = {loaded->d_y.data(), rows, kernel_->input_blocks(), shape_.dtype, 0};
    loaded->pass = kernel_->prepare(loaded->rows);
    kernel_->poison_workspace();
    plans_.push_back(std::move(loaded));
    const int handle = static_cast<int>(plans_.size()) - 1;
    if (pass_ == LayerPass::kBackward) (void)forward(at(handle));
    return handle;
  }

  void unload() override { plans_.clear(); }

  PhaseTimes run(int handle) override {
    auto& plan = at(handle);
    if (pass_ == LayerPass::kBackward) return backward(plan);
    const double start = clock_.now_s();
    const PhaseTimes there = forward(plan);
    PhaseTimes times = backward(plan);
    for (const auto phase :
         {&PhaseTimes::permute_s, &PhaseTimes::expert_ffn_s, &PhaseTimes::combine_s})
      *(times.*phase) += *(there.*phase);
    times.forward_s = there.total_s;
    times.total_s = clock_.now_s() - start;
    return times;
  }

  TracedPass run_traced(int handle) override {
    TileRecords tiles;
    TracedPass traced;
    const double before_hz = processor_clock_hz(clock_);
    at(handle).pass->trace(&tiles);
    traced_ = &traced;
    traced.processor_s = 0;
    traced.times = run(handle);
    traced_ = nullptr;
    at(handle).pass->trace(nullptr);
    traced.clock_hz = (before_hz + processor_clock_hz(clock_)) / 2;
    traced.timeline = make_timeline(std::move(tiles.grid), std::move(tiles.records));
    return traced;
  }

  std::vector<float> read_output(int handle) override { return at(handle).d_in; }

  double verify(int handle, int& bad_expert) override {
    const auto& plan = at(handle);
    const LayerError there = check_layer(
        shape_, seed_, {&plan.rows, plan.activations.data(), plan.y.data(), plan.out.data()},
        threads_);
    const LayerError back = check_backward(
        shape_, seed_,
        {&plan.rows, plan.activations.data(), plan.d_out.data(), plan.d_x.data(), plan.d_in.data(),
         plan.d_weights.data(), [this](int expert) { return kernel_->gradients(expert); }},
        threads_);
    const LayerError& worst = there.largest > back.largest ? there : back;
    bad_expert = worst.expert;
    return worst.largest;
  }

  [[nodiscard]] std::int64_t computed_rows(int handle) const override {
    return plans_.at(static_cast<std::size_t>(handle))->rows.computed_rows();
  }

 private:
  /// @param phase as a trace calls it
  template <class Work>
  void timed(RangeName stage, const char* phase, std::optional<double>& seconds, const Work& work) {
    const AnnotatedRange range(stage);
    if (traced_ == nullptr) {
      const double start = clock_.now_s();
      work();
      seconds = clock_.now_s() - start;
      return;
    }
    const double used_s = process_cpu_s();
    const std::uint64_t begin_ns = tile_clock_ns();
    work();
    const std::uint64_t end_ns = tile_clock_ns();
    if (stage == RangeName::kExpert) *traced_->processor_s += process_cpu_s() - used_s;
    traced_->phases.push_back({phase, begin_ns, end_ns});
    seconds = 1e-9 * static_cast<double>(end_ns - begin_ns);
  }

  PhaseTimes forward(TrainingPlan& plan) {
    PhaseTimes times;
    const double start = clock_.now_s();
    timed(RangeName::kPermute, "permute", times.permute_s,
          [&] { permute(plan.rows, plan.activations.data(), plan.x_view, threads_); });
    timed(RangeName::kExpert, "forward", times.expert_ffn_s,
          [&] { plan.pass->forward(view(plan.x_view), plan.y.data()); });
    timed(RangeName::kCombine, "combine", times.combine_s, [&] {
      combine(plan.rows, plan.y.data(), shape_.dtype, shape_.d_model, plan.out.data(), threads_);
    });
    times.total_s = clock_.now_s() - start;
    return times;
  }

  PhaseTimes backward(TrainingPlan& plan) {
    PhaseTimes times;
    const double start = clock_.now_s();
    timed(RangeName::kPermute, "permute", times.permute_s, [&] {
      combine_backward(plan.rows, plan.d_out.data(), plan.y.data(), plan.d_y_view,
                       plan.d_weights.data(), threads_);
    });
    timed(RangeName::kExpert, "dgrad", times.dgrad_s,
          [&] { plan.pass->dgrad(view(plan.d_y_view), plan.d_x.data()); });
    timed(RangeName::kExpert, "wgrad", times.wgrad_s,
          [&] { plan.pass->wgrad(view(plan.x_view), view(plan.d_y_view)); });
    times.expert_ffn_s = *times.dgrad_s + *times.wgrad_s;
    timed(RangeName::kCombine, "combine", times.combine_s, [&] {
      combine(plan.gradient_rows, plan.d_x.data(), shape_.dtype, shape_.d_model, plan.d_in.data(),
              threads_);
    });
    times.total_s = clock_.now_s() - start;
    times.backward_s = times.total_s;
    return times;
  }

  TrainingPlan& at(int handle) { return *plans_.at(static_cast<std::size_t>(handle)); }

  LayerShape shape_;
  std::unique_ptr<CpuTrainingKernel> kernel_;
  std::uint64_t seed_;
  int threads_;
  LayerPass pass_;
  SteadyClock clock_;
  TracedPass* traced_ = nullptr;  // while a traced pass runs
  std::vector<std::unique_ptr<TrainingPlan>>
      plans_;  // after kernel_: passes end before their kernel
};

}  // namespace

std::unique_ptr<PreparedLayer> make_cpu_training_layer(const LayerShape& shape,
                                                       std::unique_ptr<CpuTrainingKernel> kernel,
                                                       int num_experts, std::uint64_t seed,
                                                       int threads, LayerPass pass) {
  return std::make_unique<CpuTrainingLayer>(shape, std::move(kernel), num_experts, seed, threads,
                                            pass);
}

}  // namespace hotexpert
