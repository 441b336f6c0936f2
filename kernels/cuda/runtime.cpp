#include "kernels/cuda/runtime.hpp"

#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/cublas.hpp"
#include "kernels/cuda/device.hpp"
#include "kernels/cuda/step.hpp"
#include "kernels/cuda/training_layer.hpp"
#include "kernels/normal_data.hpp"

namespace hotexpert {
namespace {

class CudaLayer final : public DeviceLayer {
 public:
  CudaLayer(const LayerShape& shape, int num_experts, std::uint64_t seed, int weight_sets,
            const CudaDevice& device)
      : shape_(shape), seed_(seed) {
    const auto table = normal_quantiles();
    quantiles_ = DeviceBuffer(static_cast<std::int64_t>(table.size_bytes()));
    quantiles_.upload(table.data(), quantiles_.bytes());
    for (int set = 0; set < weight_sets; ++set) {
      weights_.push_back(draw_device_weights(shape, seed + static_cast<std::uint64_t>(set),
                                             num_experts, quantiles_));
    }
    bench_ = make_step_bench(device);
  }

  int load(const ExpertRows& rows, const CudaKernelChoice& choice) override {
    steps_.push_back(std::make_unique<DeviceStep>(
        shape_, make_plan_buffers(shape_, seed_, rows, choice, quantiles_), weights_, bench_));
    return static_cast<int>(steps_.size()) - 1;
  }
  void unload() override { steps_.clear(); }
  StepTimes run(int handle) override { return at(handle).run(); }
  StepTimes run_staged(int handle, const StepObserver& observer, bool idle_between) override {
    return at(handle).run_staged(observer, idle_between);
  }

  std::vector<float> read_output(int handle) override {
    const auto& plan = at(handle).plan();
    return host_copy<float>(plan.out, plan.rows.tokens * shape_.d_model);
  }
  std::vector<std::byte> read_expert_rows(int handle) override {
    const auto& plan = at(handle).plan();
    return host_copy<std::byte>(
        plan.y, plan.rows.buffer_rows() * shape_.d_model * bytes_per_element(shape_.dtype));
  }
  std::vector<std::int32_t> read_row_of_slot(int handle) override {
    const auto& plan = at(handle).plan();
    return host_copy<std::int32_t>(plan.row_of_slot, plan.rows.tokens * plan.rows.slots);
  }
  std::vector<std::int32_t> read_choices(int handle) override {
    const auto& plan = at(handle).plan();
    return host_copy<std::int32_t>(plan.chosen, plan.rows.tokens * plan.router.top_k);
  }
  TracedStep trace(int handle) override { return at(handle).trace(); }
  [[nodiscard]] std::int64_t launches(int handle) const override {
    return steps_.at(static_cast<std::size_t>(handle))->launches();
  }

 private:
  DeviceStep& at(int handle) { return *steps_.at(static_cast<std::size_t>(handle)); }

  LayerShape shape_;
  std::uint64_t seed_;
  DeviceBuffer quantiles_;
  std::vector<DeviceWeights> weights_;
  StepBench bench_;
  std::vector<std::unique_ptr<DeviceStep>> steps_;  // after what they use
};

class CudaRuntime final : public DeviceRuntime {
 public:
  CudaRuntime() : device_(first_cuda_device()) {}
  [[nodiscard]] CudaDevice device() const override { return device_; }
  [[nodiscard]] std::int64_t free_bytes() const override { return free_device_bytes(); }
  [[nodiscard]] std::string cublas_unavailable() const override {
    return cublas_functions().reason;
  }
  std::unique_ptr<DeviceLayer> make_layer(const LayerShape& shape, int num_experts,
                                          std::uint64_t seed, int weight_sets) override {
    return std::make_unique<CudaLayer>(shape, num_experts, seed, weight_sets, device_);
  }
  std::unique_ptr<DeviceTrainingLayer> make_training_layer(const LayerShape& shape, int num_experts,
                                                           std::uint64_t seed,
                                                           LayerPass pass) override {
    return hotexpert::make_training_layer(shape, num_experts, seed, pass, device_);
  }
  std::string start_capture() override {
    const cudaError_t status = cudaProfilerStart();
    return succeeded(status)
               ? ""
               : std::string("cudaProfilerStart failed: ") + cudaGetErrorString(status) + ".";
  }
  void stop_capture() override { (void)succeeded(cudaProfilerStop()); }
  [[nodiscard]] std::string lost() const override { return lost_device(); }

 private:
  CudaDevice device_;
};

}  // namespace

std::unique_ptr<DeviceRuntime> make_device_runtime() { return std::make_unique<CudaRuntime>(); }

}  // namespace hotexpert
