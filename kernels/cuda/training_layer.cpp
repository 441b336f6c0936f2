#include "kernels/cuda/training_layer.hpp"

#include "kernels/cuda/training_step.hpp"
#include "kernels/cuda/wait.hpp"
#include "kernels/normal_data.hpp"

namespace hotexpert {
namespace {

class CudaTrainingLayer final : public DeviceTrainingLayer {
 public:
  CudaTrainingLayer(const LayerShape& shape, int num_experts, std::uint64_t seed, LayerPass pass,
                    const CudaDevice& device)
      : shape_(shape), seed_(seed), pass_(pass) {
    const auto table = normal_quantiles();
    quantiles_ = DeviceBuffer(static_cast<std::int64_t>(table.size_bytes()));
    quantiles_.upload(table.data(), quantiles_.bytes());
    weights_ = draw_training_weights(shape, seed, num_experts, quantiles_);
    bench_ = make_step_bench(device);
  }

  int load(const ExpertRows& rows, const CudaKernelChoice& choice) override {
    steps_.push_back(std::make_unique<TrainingStep>(
        shape_, make_training_buffers(shape_, seed_, rows, choice, quantiles_), weights_, pass_,
        bench_));
    weights_.d_in.poison();
    weights_.d_down.poison();
    wait_for(nullptr, "poisoning weight gradients");  // the step's stream does not
    return static_cast<int>(steps_.size()) - 1;
  }
  void unload() override { steps_.clear(); }
  TrainingTimes run(int handle) override {
    return steps_.at(static_cast<std::size_t>(handle))->run();
  }

  std::vector<std::int32_t> read_row_of_slot(int handle) override {
    const auto& plan = buffers(handle).plan;
    return host_copy<std::int32_t>(plan.row_of_slot, plan.rows.tokens * plan.rows.slots);
  }
  std::vector<std::byte> read_expert_rows(int handle) override {
    return host_copy<std::byte>(buffers(handle).plan.y, row_bytes(handle));
  }
  std::vector<float> read_output(int handle) override {
    return host_copy<float>(buffers(handle).plan.out, tokens(handle) * shape_.d_model);
  }
  std::vector<std::byte> read_input_rows(int handle) override {
    return host_copy<std::byte>(buffers(handle).d_x, row_bytes(handle));
  }
  std::vector<float> read_input_gradient(int handle) override {
    return host_copy<float>(buffers(handle).d_in, tokens(handle) * shape_.d_model);
  }
  std::vector<float> read_gate_gradients(int handle) override {
    return host_copy<float>(buffers(handle).d_weight,
                            tokens(handle) * buffers(handle).plan.rows.slots);
  }
  DeviceGradients read_gradients(int expert) override {
    const std::int64_t in = in_columns(shape_) * shape_.d_model;
    const std::int64_t down = shape_.d_model * shape_.d_ff;
    return {slice(weights_.d_in, expert * in, in), slice(weights_.d_down, expert * down, down)};
  }

 private:
  [[nodiscard]] const TrainingBuffers& buffers(int handle) const {
    return steps_.at(static_cast<std::size_t>(handle))->buffers();
  }
  [[nodiscard]] std::int64_t tokens(int handle) const { return buffers(handle).plan.rows.tokens; }
  [[nodiscard]] std::int64_t row_bytes(int handle) const {
    return buffers(handle).plan.rows.buffer_rows() * shape_.d_model *
           bytes_per_element(shape_.dtype);
  }
  static std::vector<float> slice(const DeviceBuffer& buffer, std::int64_t first,
                                  std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    buffer.download(values.data(), count * std::int64_t{sizeof(float)},
                    first * std::int64_t{sizeof(float)});
    return values;
  }

  LayerShape shape_;
  std::uint64_t seed_;
  LayerPass pass_;
  DeviceBuffer quantiles_;
  TrainingWeights weights_;
  StepBench bench_;
  std::vector<std::unique_ptr<TrainingStep>> steps_;  // after what they use
};

}  // namespace

std::unique_ptr<DeviceTrainingLayer> make_training_layer(const LayerShape& shape, int num_experts,
                                                         std::uint64_t seed, LayerPass pass,
                                                         const CudaDevice& device) {
  return std::make_unique<CudaTrainingLayer>(shape, num_experts, seed, pass, device);
}

}  // namespace hotexpert
