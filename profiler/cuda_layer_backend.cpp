#include "profiler/cuda_layer_backend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "kernels/aligned_buffer.hpp"
#include "kernels/cuda/plan/router_logits.hpp"
#include "kernels/cuda/plan/step_tiles.hpp"
#include "kernels/expert_weights.hpp"
#include "profiler/cuda_layer_parts.hpp"
#include "profiler/cuda_training_layer.hpp"
#include "profiler/layer_check.hpp"

namespace hotexpert {
namespace {

RangeName range_of(StepStage stage) {
  switch (stage) {
    case StepStage::kRoute:
      return RangeName::kRoute;
    case StepStage::kPermute:
      return RangeName::kPermute;
    case StepStage::kExpert:
      return RangeName::kExpert;
    default:
      return RangeName::kCombine;
  }
}

class CudaPreparedLayer final : public PreparedLayer {
 public:
  CudaPreparedLayer(std::shared_ptr<DeviceRuntime> runtime, const LayerShape& shape,
                    std::string kernel, int num_experts, std::uint64_t seed, int threads)
      : runtime_(std::move(runtime)),
        device_(runtime_->device()),
        shape_(shape),
        kernel_(std::move(kernel)),
        num_experts_(num_experts),
        seed_(seed),
        threads_(threads),
        layer_(runtime_->make_layer(shape, num_experts, seed, choice_for(1).weight_sets)) {}

  int load(const DispatchPlan& plan) override {
    const auto choice = choice_for(plan.tokens);
    auto rows = cuda_rows(plan, shape_, choice);
    require_memory(cuda_plan_bytes(shape_, num_experts_, rows, choice, device_), *runtime_);
    const int handle = layer_->load(rows, choice);
    plans_.push_back(std::move(rows));
    return handle;
  }

  void unload() override {
    layer_->unload();
    plans_.clear();
    clocks_.clear();
  }

  PhaseTimes run(int handle) override {
    // A replayed graph has no stages on the host; launches have, for whoever listens.
    if (annotations_wanted()) {
      const auto choice = choice_for(plans_.at(static_cast<std::size_t>(handle)).tokens);
      NoStageObserver nobody;
      if (!choice.graph && choice.weight_sets == 1) return run_staged(handle, nobody);
    }
    return phases_of(layer_->run(handle));
  }

  TracedPass run_traced(int handle) override {
    TracedStep step = layer_->trace(handle);
    TracedPass pass{phases_of(step.times), {}, std::move(step.untraced)};
    if (!pass.untraced.empty()) return pass;
    const auto& plan = plans_.at(static_cast<std::size_t>(handle));
    auto tiles = tiles_of_step(shape_, choice_for(plan.tokens), plan, device_.multiprocessors,
                               step.up, step.down);
    pass.clock_hz = step.times.clock_hz;
    pass.timeline = make_timeline(std::move(tiles.grid), std::move(tiles.records));
    return pass;
  }

  [[nodiscard]] std::int64_t launches(int handle) const override {
    return layer_->launches(handle);
  }

  PhaseTimes run_staged(int handle, StageObserver& observer) override {
    std::optional<AnnotatedRange> range;
    return phases_of(layer_->run_staged(
        handle,
        [&](StepStage stage, bool begins) {
          if (begins) {
            range.emplace(range_of(stage));
            observer.begin(range_of(stage));
          } else {
            observer.end(range_of(stage));
            range.reset();
          }
        },
        observer.wants_idle_device()));
  }

  std::vector<float> read_output(int handle) override { return layer_->read_output(handle); }

  double verify(int handle, int& bad_expert) override {
    const auto& rows = plans_.at(static_cast<std::size_t>(handle));
    bad_expert = -1;
    const auto router = router_size(rows, shape_.num_shared_experts);
    if (layer_->read_row_of_slot(handle) != rows.row_of_slot ||
        !begins_with(layer_->read_choices(handle), kept_choices(rows, router), router))
      return std::numeric_limits<double>::infinity();
    AlignedBuffer activations(
        std::max<std::int64_t>(1, rows.tokens * shape_.d_model * bytes_per_element(shape_.dtype)));
    draw_activations(shape_, seed_, rows.tokens, threads_, activations.data());
    const auto expert_out = layer_->read_expert_rows(handle);
    const auto out = layer_->read_output(handle);
    const LayerError error = check_layer(
        shape_, seed_, {&rows, activations.data(), expert_out.data(), out.data()}, threads_);
    bad_expert = error.expert;
    return error.largest;
  }

  [[nodiscard]] std::int64_t computed_rows(int handle) const override {
    return plans_.at(static_cast<std::size_t>(handle)).computed_rows();
  }

  [[nodiscard]] std::vector<Measurement> device_measurements() const override {
    return clocks_.measurements(device_);
  }

 private:
  /// Notes the clock of a run.
  PhaseTimes phases_of(const StepTimes& step) {
    clocks_.add(step.clock_hz);
    PhaseTimes times;
    times.router_s = step.router_s;
    times.route_s = step.route_s;
    times.permute_s = step.permute_s;
    times.expert_ffn_s = step.expert_ffn_s;
    times.combine_s = step.combine_s;
    times.total_s = step.total_s;
    return times;
  }
  [[nodiscard]] CudaKernelChoice choice_for(std::int64_t tokens) const {
    return choose_cuda_kernel(shape_, kernel_, tokens, device_);
  }

  std::shared_ptr<DeviceRuntime> runtime_;
  CudaDevice device_;
  LayerShape shape_;
  std::string kernel_;
  int num_experts_;
  std::uint64_t seed_;
  int threads_;
  std::unique_ptr<DeviceLayer> layer_;
  std::vector<ExpertRows> plans_;
  ClockSamples clocks_;
};

class CudaLayerBackend final : public LayerBackend {
 public:
  CudaLayerBackend(std::unique_ptr<DeviceRuntime> runtime, int threads, LayerPass pass)
      : runtime_(std::move(runtime)), threads_(std::max(1, threads)), pass_(pass) {}

  [[nodiscard]] BackendInfo info() const override {
    const auto device = runtime_->device();
    return {"cuda", device.name, Provenance::kMeasured, device.unavailable};
  }

  [[nodiscard]] std::optional<std::string> unsupported(const LayerShape& shape,
                                                       std::string_view kernel) const override {
    const auto device = runtime_->device();
    if (!device.unavailable.empty()) return device.unavailable;
    if (auto reason = cuda_unsupported(shape, kernel, device)) return reason;
    if (pass_ != LayerPass::kForward) {
      if (auto reason = training_unsupported(shape, std::string(kernel), device)) return reason;
    }
    const auto choice = choose_cuda_kernel(shape, kernel, 1, device);
    if (choice.engine == CudaEngine::kCublas) {
      if (auto reason = runtime_->cublas_unavailable(); !reason.empty()) return reason;
    }
    const auto needed = weights_needed(shape, shape.num_experts + shape.num_shared_experts, choice);
    // A layer prepared before is freed first, so the whole device counts.
    if (needed.total() > device.memory_bytes)
      return out_of_memory_text(needed, device.memory_bytes);
    return std::nullopt;
  }

  std::unique_ptr<PreparedLayer> prepare(const LayerShape& shape, std::string_view kernel,
                                         int num_physical, std::uint64_t seed) override {
    if (const auto reason = unsupported(shape, kernel)) throw std::logic_error(*reason);
    const int num_experts = num_physical + shape.num_shared_experts;
    const auto choice = choose_cuda_kernel(shape, kernel, 1, runtime_->device());
    require_memory(weights_needed(shape, num_experts, choice), *runtime_);
    if (pass_ != LayerPass::kForward) {
      return make_cuda_training_layer(runtime_, shape, std::string(kernel), num_experts, seed,
                                      threads_, pass_);
    }
    return std::make_unique<CudaPreparedLayer>(runtime_, shape, std::string(kernel), num_experts,
                                               seed, threads_);
  }

  std::string start_capture() override { return runtime_->start_capture(); }
  void stop_capture() override { runtime_->stop_capture(); }
  [[nodiscard]] std::string lost() const override { return runtime_->lost(); }

 private:
  [[nodiscard]] LayerBytes weights_needed(const LayerShape& shape, int num_experts,
                                          const CudaKernelChoice& choice) const {
    LayerBytes needed;
    needed.weights = weight_set_bytes(shape, num_experts, choice.weight_sets);
    if (pass_ != LayerPass::kForward) needed.weights += training_weight_bytes(shape, num_experts);
    needed.workspace = cuda_workspace_bytes(choice, runtime_->device());
    return needed;
  }

  std::shared_ptr<DeviceRuntime> runtime_;
  int threads_;
  LayerPass pass_;
};

}  // namespace

std::unique_ptr<LayerBackend> make_cuda_layer_backend(std::unique_ptr<DeviceRuntime> runtime,
                                                      int threads, LayerPass pass) {
  return std::make_unique<CudaLayerBackend>(std::move(runtime), threads, pass);
}

}  // namespace hotexpert
