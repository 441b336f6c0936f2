#pragma once

#include <memory>
#include <vector>

#include "kernels/cuda/clock_stamp.hpp"
#include "kernels/cuda/expert_products.hpp"
#include "kernels/cuda/plan/device_layer.hpp"
#include "kernels/cuda/side_streams.hpp"

struct CUgraphExec_st;

namespace hotexpert {

/// What steps of a layer share: the stream, the clock stamps and what fills L2 in cold mode.
struct StepBench {
  OwnedStream stream = make_stream();
  int multiprocessors = 0;
  DeviceBuffer stamps_before, stamps_after;  ///< [multiprocessors]
  DeviceBuffer l2_filler;                    ///< twice L2
};

/// One loaded plan as a step on the stream: route, permute, experts, combine, with an event between
/// each; as one CUDA graph, or launched one by one.
class DeviceStep {
 public:
  /// @param weights one set a layer of the step
  DeviceStep(const LayerShape& shape, PlanBuffers plan, const std::vector<DeviceWeights>& weights,
             StepBench& bench);
  ~DeviceStep();
  DeviceStep(const DeviceStep&) = delete;
  DeviceStep& operator=(const DeviceStep&) = delete;

  /// Runs the step once, waits, and returns its times.
  StepTimes run();
  /// Runs it once with the traced kernels; empty when there are none.
  std::vector<std::vector<TileRecord>> trace();
  [[nodiscard]] const PlanBuffers& plan() const { return plan_; }

 private:
  enum Phase { kBegin, kRouted, kPermuted, kComputed, kCombined, kPhases };
  void warm_library();
  void capture();
  void enqueue_layer(std::size_t set, bool captured, const TraceBuffers& trace);
  void enqueue_step(bool captured, const TraceBuffers& trace);
  void mark(Phase phase, bool captured);
  void wait_for_sizes();

  LayerShape shape_;
  PlanBuffers plan_;
  StepBench& bench_;
  std::vector<std::unique_ptr<ExpertProducts>> products_;  ///< a weight set
  std::vector<OwnedEvent> marks_;
  OwnedEvent begin_ = make_event(true);
  OwnedEvent end_ = make_event(true);
  std::vector<std::int32_t> sizes_;  ///< [E] as read back by strategies that need them
  CUgraphExec_st* graph_ = nullptr;
};

}  // namespace hotexpert
