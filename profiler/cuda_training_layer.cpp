#include "profiler/cuda_training_layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/aligned_buffer.hpp"
#include "kernels/expert_weights.hpp"
#include "profiler/backward_check.hpp"
#include "profiler/cuda_layer_parts.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

/// The device's gradients, whose rows are output columns of the forward product, as the weights lie
/// on the host.
ExpertGradients host_gradients(const LayerShape& shape, const DeviceGradients& device) {
  const auto d_model = static_cast<std::size_t>(shape.d_model);
  const auto d_ff = static_cast<std::size_t>(shape.d_ff);
  const bool gated = shape.activation == Activation::kSwiglu;
  ExpertGradients host;
  const auto transposed = [](const float* from, std::size_t rows, std::size_t columns) {
    std::vector<float> to(rows * columns);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
    return to;
  };
  if (gated) host.gate = transposed(device.in.data(), d_ff, d_model);
  host.up = transposed(device.in.data() + (gated ? d_ff * d_model : 0), d_ff, d_model);
  host.down = transposed(device.down.data(), d_model, d_ff);
  return host;
}

class CudaTrainingLayer final : public PreparedLayer {
 public:
  CudaTrainingLayer(std::shared_ptr<DeviceRuntime> runtime, const LayerShape& shape,
                    std::string kernel, int num_experts, std::uint64_t seed, int threads,
                    LayerPass pass)
      : runtime_(std::move(runtime)),
        device_(runtime_->device()),
        shape_(shape),
        kernel_(std::move(kernel)),
        num_experts_(num_experts),
        seed_(seed),
        threads_(threads),
        layer_(runtime_->make_training_layer(shape, num_experts, seed, pass)) {}

  int load(const DispatchPlan& plan) override {
    const auto choice = choose_training_kernel(shape_, kernel_, plan.tokens, device_);
    auto rows = cuda_rows(plan, shape_, choice);
    LayerBytes needed = cuda_plan_bytes(shape_, num_experts_, rows, choice, device_);
    needed.expert_rows += training_plan_bytes(shape_, rows, choice.split_rows);
    require_memory(needed, *runtime_);
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
    const TrainingTimes step = layer_->run(handle);
    clocks_.add(step.clock_hz);
    PhaseTimes times;
    times.dgrad_s = step.dgrad_s;
    times.wgrad_s = step.wgrad_s;
    times.permute_s = step.permute_s;
    times.expert_ffn_s = step.dgrad_s + step.wgrad_s;
    times.combine_s = step.combine_s;
    times.backward_s = step.permute_s + step.dgrad_s + step.wgrad_s + step.combine_s;
    if (const auto& forward = step.forward) {
      times.route_s = forward->route_s;
      *times.permute_s += forward->permute_s;
      *times.expert_ffn_s += forward->expert_ffn_s;
      *times.combine_s += forward->combine_s;
      times.forward_s =
          forward->route_s + forward->permute_s + forward->expert_ffn_s + forward->combine_s;
    }
    times.total_s = step.total_s;
    return times;
  }

  TracedPass run_traced(int handle) override {
    return {run(handle), {}, "Tiles are recorded of the forward pass only."};
  }

  std::vector<float> read_output(int handle) override {
    return layer_->read_input_gradient(handle);
  }

  double verify(int handle, int& bad_expert) override {
    const auto& rows = plans_.at(static_cast<std::size_t>(handle));
    bad_expert = -1;
    if (layer_->read_row_of_slot(handle) != rows.row_of_slot)
      return std::numeric_limits<double>::infinity();
    const std::int64_t bytes =
        std::max<std::int64_t>(1, rows.tokens * shape_.d_model * bytes_per_element(shape_.dtype));
    AlignedBuffer activations(bytes);
    AlignedBuffer d_out(bytes);
    draw_activations(shape_, seed_, rows.tokens, threads_, activations.data());
    draw_output_gradient(shape_, seed_, rows.tokens, threads_, d_out.data());
    const auto y = layer_->read_expert_rows(handle);
    const auto out = layer_->read_output(handle);
    const auto d_x = layer_->read_input_rows(handle);
    const auto d_in = layer_->read_input_gradient(handle);
    const auto d_weight = layer_->read_gate_gradients(handle);
    const LayerError there =
        check_layer(shape_, seed_, {&rows, activations.data(), y.data(), out.data()}, threads_);
    const LayerError back = check_backward(
        shape_, seed_,
        {&rows, activations.data(), d_out.data(), d_x.data(), d_in.data(), d_weight.data(),
         [this](int expert) { return host_gradients(shape_, layer_->read_gradients(expert)); }},
        threads_);
    const LayerError& worst = there.largest > back.largest ? there : back;
    bad_expert = worst.expert;
    return worst.largest;
  }

  [[nodiscard]] std::int64_t computed_rows(int handle) const override {
    return plans_.at(static_cast<std::size_t>(handle)).computed_rows();
  }

  [[nodiscard]] std::vector<Measurement> device_measurements() const override {
    return clocks_.measurements(device_);
  }

 private:
  std::shared_ptr<DeviceRuntime> runtime_;
  CudaDevice device_;
  LayerShape shape_;
  std::string kernel_;
  int num_experts_;
  std::uint64_t seed_;
  int threads_;
  std::unique_ptr<DeviceTrainingLayer> layer_;
  std::vector<ExpertRows> plans_;
  ClockSamples clocks_;
};

}  // namespace

CudaKernelChoice choose_training_kernel(const LayerShape& shape, const std::string& kernel,
                                        std::int64_t tokens, const CudaDevice& device) {
  auto choice = choose_cuda_kernel(shape, kernel, tokens, device);
  choice.cluster = 1;
  choice.bulk_store = false;
  if (choice.order == TileOrder::kDynamic) choice.order = TileOrder::kHotFirst;
  return choice;
}

std::optional<std::string> training_unsupported(const LayerShape& shape, const std::string& kernel,
                                                const CudaDevice& device) {
  const auto choice = choose_cuda_kernel(shape, kernel, 1, device);
  if (choice.engine == CudaEngine::kPlugin)
    return fmt::format(
        "'{}' has no backward pass: plugins run the forward pass (use layer.pass forward)",
        choice_name(kernel));
  if (choice.cache == CacheState::kSteady)
    return "cache=steady runs layers forward one after another; with layer.pass backward or "
           "training use cache=hot or cold";
  return std::nullopt;
}

std::unique_ptr<PreparedLayer> make_cuda_training_layer(std::shared_ptr<DeviceRuntime> runtime,
                                                        const LayerShape& shape,
                                                        const std::string& kernel, int num_experts,
                                                        std::uint64_t seed, int threads,
                                                        LayerPass pass) {
  return std::make_unique<CudaTrainingLayer>(std::move(runtime), shape, kernel, num_experts, seed,
                                             threads, pass);
}

}  // namespace hotexpert
