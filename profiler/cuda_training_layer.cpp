#include "profiler/cuda_training_layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/aligned_buffer.hpp"
#include "kernels/cuda/plan/layer_memory.hpp"
#include "kernels/expert_weights.hpp"
#include "profiler/backward_check.hpp"
#include "sim/base/params.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {
namespace {

/// cuBLAS' workspaces, what fills L2 and the random-number table.
std::int64_t training_workspace_bytes(const CudaKernelChoice& choice, const CudaDevice& device) {
  constexpr std::int64_t kLibraryWorkspace = std::int64_t{32} << 20;
  const std::int64_t handles =
      choice.engine != CudaEngine::kCublas
          ? 0
          : (choice.strategy == CudaStrategy::kStreams ? choice.streams + 1 : 1);
  return kLibraryWorkspace * handles + 2 * device.l2_bytes + (1 << 18);
}

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
    auto rows = choice.strategy == CudaStrategy::kPadded ? padded_rows(plan, shape_)
                                                         : compact_rows(plan, shape_);
    LayerBytes needed =
        plan_bytes(shape_, num_experts_, {rows.tokens, rows.slots, rows.buffer_rows()},
                   choice.fused_activation());
    needed.expert_rows += training_plan_bytes(shape_, rows, choice.split_rows);
    needed.workspace = training_workspace_bytes(choice, device_);
    if (const auto free = runtime_->free_bytes(); needed.total() > free)
      throw NotEnoughMemory(out_of_memory_text(needed, free));
    const int handle = layer_->load(rows, choice);
    plans_.push_back(std::move(rows));
    return handle;
  }

  void unload() override {
    layer_->unload();
    plans_.clear();
    clocks_hz_.clear();
  }

  PhaseTimes run(int handle) override {
    const TrainingTimes step = layer_->run(handle);
    if (step.clock_hz) clocks_hz_.push_back(*step.clock_hz);
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
    if (clocks_hz_.empty()) return {};
    return {{"device.sm_clock_hz", median(clocks_hz_), Provenance::kMeasured}};
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
  std::vector<double> clocks_hz_;
};

}  // namespace

CudaKernelChoice choose_training_kernel(const LayerShape& shape, const std::string& kernel,
                                        std::int64_t tokens, const CudaDevice& device) {
  auto choice = choose_cuda_kernel(shape, kernel, tokens, device);
  choice.cluster = 1;
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
  const auto choice = choose_training_kernel(shape, kernel, 1, runtime->device());
  LayerBytes needed;
  needed.weights =
      weight_set_bytes(shape, num_experts, 1) + training_weight_bytes(shape, num_experts);
  needed.workspace = training_workspace_bytes(choice, runtime->device());
  if (const auto free = runtime->free_bytes(); needed.total() > free)
    throw NotEnoughMemory(out_of_memory_text(needed, free));
  return std::make_unique<CudaTrainingLayer>(std::move(runtime), shape, kernel, num_experts, seed,
                                             threads, pass);
}

}  // namespace hotexpert
