#include "profiler/cuda_layer_parts.hpp"

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {

std::int64_t cuda_workspace_bytes(const CudaKernelChoice& choice, const CudaDevice& device) {
  constexpr std::int64_t kLibraryWorkspace = std::int64_t{32} << 20;
  constexpr std::int64_t kNormalTable = std::int64_t{1} << 18;
  const std::int64_t handles =
      choice.engine != CudaEngine::kCublas
          ? 0
          : (choice.strategy == CudaStrategy::kStreams ? choice.streams + 1 : 1);
  return kLibraryWorkspace * handles * choice.weight_sets + 2 * device.l2_bytes + kNormalTable;
}

void require_memory(const LayerBytes& needed, const DeviceRuntime& runtime) {
  if (const auto free = runtime.free_bytes(); needed.total() > free)
    throw NotEnoughMemory(out_of_memory_text(needed, free));
}

ExpertRows cuda_rows(const DispatchPlan& plan, const LayerShape& shape,
                     const CudaKernelChoice& choice) {
  return choice.strategy == CudaStrategy::kPadded ? padded_rows(plan, shape)
                                                  : compact_rows(plan, shape);
}

LayerBytes cuda_plan_bytes(const LayerShape& shape, int num_experts, const ExpertRows& rows,
                           const CudaKernelChoice& choice, const CudaDevice& device) {
  LayerBytes needed = plan_bytes(shape, num_experts, {rows.tokens, rows.slots, rows.buffer_rows()},
                                 choice.fused_activation());
  needed.workspace = cuda_workspace_bytes(choice, device);
  return needed;
}

void ClockSamples::add(std::optional<double> clock_hz) {
  if (clock_hz) hz_.push_back(*clock_hz);
}

std::vector<Measurement> ClockSamples::measurements(const CudaDevice& device) const {
  constexpr double kThrottledShare = 0.75;
  if (hz_.empty()) return {};
  std::vector<Measurement> found = {{"device.sm_clock_hz", median(hz_), Provenance::kMeasured}};
  if (device.clock_hz > 0) {
    const auto throttled = std::ranges::count_if(
        hz_, [&](double hz) { return hz < kThrottledShare * device.clock_hz; });
    found.push_back(
        {"device.throttled_samples", static_cast<double>(throttled), Provenance::kMeasured});
  }
  return found;
}

}  // namespace hotexpert
