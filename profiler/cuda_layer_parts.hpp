#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/cuda/plan/device_layer.hpp"
#include "kernels/cuda/plan/layer_memory.hpp"
#include "sim/core/dispatch_plan.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

// What the forward and the training layer of a CUDA device have in common.

/// Bytes of cuBLAS' workspaces, of what fills L2 and of the random-number table.
std::int64_t cuda_workspace_bytes(const CudaKernelChoice& choice, const CudaDevice& device);

/// @throws NotEnoughMemory with the bytes by purpose when `needed` is more than is free now
void require_memory(const LayerBytes& needed, const DeviceRuntime& runtime);

/// The rows of a plan as a choice lays them out: padded for `padded`, else one expert after
/// another.
ExpertRows cuda_rows(const DispatchPlan& plan, const LayerShape& shape,
                     const CudaKernelChoice& choice);

/// What loading `rows` adds to a layer of `num_experts` (physical and shared), workspace included.
LayerBytes cuda_plan_bytes(const LayerShape& shape, int num_experts, const ExpertRows& rows,
                           const CudaKernelChoice& choice, const CudaDevice& device);

/// The multiprocessors' clock over the runs of a layer.
class ClockSamples {
 public:
  /// @param clock_hz of one run; nullopt: it was not read
  void add(std::optional<double> clock_hz);
  void clear() { hz_.clear(); }
  /// device.sm_clock_hz, the median; and device.throttled_samples, those below 75 % of the
  /// device's highest clock, where it tells that. Empty without samples.
  [[nodiscard]] std::vector<Measurement> measurements(const CudaDevice& device) const;

 private:
  std::vector<double> hz_;
};

}  // namespace hotexpert
