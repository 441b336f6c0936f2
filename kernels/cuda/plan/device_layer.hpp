#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/cuda/plan/cuda_device.hpp"
#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "kernels/cuda/plan/device_training.hpp"
#include "kernels/expert_rows.hpp"
#include "kernels/tile_record.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

// The device as the profiler sees it: no CUDA type, so tests put a fake in its place.

/// Seconds of one step, from events on the device.
struct StepTimes {
  double router_s = 0;  ///< of route_s: the router's top-k
  double route_s = 0;
  double permute_s = 0;
  double expert_ffn_s = 0;
  double combine_s = 0;
  double total_s = 0;
  std::optional<double> clock_hz;  ///< of the multiprocessors during the step
};

/// One step with the traced kernels.
struct TracedStep {
  StepTimes times;
  std::vector<TileRecord> up;    ///< tiles of the up product, on the device's nanosecond timer
  std::vector<TileRecord> down;  ///< of the down product
  std::string untraced;          ///< why there are no tiles, in one sentence; empty when there are
};
enum class StepStage : std::uint8_t { kRoute, kPermute, kExpert, kCombine };

/// Is told on the host that a stage begins (true) or ends (false).
using StepObserver = std::function<void(StepStage stage, bool begins)>;

/// A layer whose weights are on the device.
class DeviceLayer {
 public:
  virtual ~DeviceLayer() = default;
  /// Reserves buffers for `rows`, poisoned, draws the activations and makes the step ready.
  /// @param rows compact, or padded when the strategy is kPadded   @return a handle
  virtual int load(const ExpertRows& rows, const CudaKernelChoice& choice) = 0;
  virtual void unload() = 0;
  virtual StepTimes run(int handle) = 0;
  /// One layer of the step, launch by launch, its stages told.
  /// @param idle_between the device has finished all earlier work whenever the observer is called
  virtual StepTimes run_staged(int handle, const StepObserver& observer, bool idle_between) = 0;
  /// [tokens, d_model] fp32, after combine.
  virtual std::vector<float> read_output(int handle) = 0;
  /// [buffer rows, d_model] in the layer's data type, before combine.
  virtual std::vector<std::byte> read_expert_rows(int handle) = 0;
  /// [tokens, slots] buffer rows as the device laid them out.
  virtual std::vector<std::int32_t> read_row_of_slot(int handle) = 0;
  /// [tokens, k] experts that the router chose from logits which agree with the loaded plan, see
  /// router_logits().
  virtual std::vector<std::int32_t> read_choices(int handle) = 0;
  /// run() with the traced kernels. One that has none runs all the same and says why.
  virtual TracedStep trace(int handle) = 0;
  /// Kernels that run() launches, those that read clocks included; negative: a library launches
  /// kernels of its own and does not say how many.
  [[nodiscard]] virtual std::int64_t launches(int handle) const = 0;
};

/// The CUDA runtime, as far as layers need it.
class DeviceRuntime {
 public:
  virtual ~DeviceRuntime() = default;
  [[nodiscard]] virtual CudaDevice device() const = 0;
  [[nodiscard]] virtual std::int64_t free_bytes() const = 0;
  /// Why cuBLAS cannot be used; "" when it can.
  [[nodiscard]] virtual std::string cublas_unavailable() const = 0;
  /// @param num_experts physical and shared   @param weight_sets layers with weights of their own
  virtual std::unique_ptr<DeviceLayer> make_layer(const LayerShape& shape, int num_experts,
                                                  std::uint64_t seed, int weight_sets) = 0;
  /// @param pass backward or training
  virtual std::unique_ptr<DeviceTrainingLayer> make_training_layer(const LayerShape& shape,
                                                                   int num_experts,
                                                                   std::uint64_t seed,
                                                                   LayerPass pass) = 0;
  /// cudaProfilerStart and cudaProfilerStop. @return why nothing was marked; "" when it was
  virtual std::string start_capture() = 0;
  virtual void stop_capture() = 0;
  /// Why no later call can succeed in this process, in one sentence; "" while all is well. Waits
  /// for nothing.
  [[nodiscard]] virtual std::string lost() const = 0;
};

}  // namespace hotexpert
