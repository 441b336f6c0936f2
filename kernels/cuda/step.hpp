#pragma once

#include <memory>
#include <vector>

#include "kernels/cuda/clock_stamp.hpp"
#include "kernels/cuda/expert_products.hpp"
#include "kernels/cuda/graph.hpp"
#include "kernels/cuda/plan/device_layer.hpp"
#include "kernels/cuda/side_streams.hpp"

namespace hotexpert {

/// What steps of a layer share: the stream, the clock stamps and what fills L2 in cold mode.
struct StepBench {
  OwnedStream stream = make_stream();
  int multiprocessors = 0;
  DeviceBuffer stamps_before, stamps_after;  ///< [multiprocessors]
  DeviceBuffer l2_filler;                    ///< twice L2
};

StepBench make_step_bench(const CudaDevice& device);

/// One loaded plan as a step on the stream: router top-k, route, permute, experts, combine, with an
/// event between each; as one CUDA graph, or launched one by one.
class DeviceStep {
 public:
  /// @param weights one set a layer of the step
  DeviceStep(const LayerShape& shape, PlanBuffers plan, const std::vector<DeviceWeights>& weights,
             StepBench& bench);
  DeviceStep(const DeviceStep&) = delete;
  DeviceStep& operator=(const DeviceStep&) = delete;

  /// Runs the step once, waits, and returns its times.
  StepTimes run();
  /// DeviceLayer::run_staged().
  StepTimes run_staged(const StepObserver& observer, bool idle_between);
  /// The same with the traced kernels, as a graph too where run() is one.
  TracedStep trace();
  /// Kernels that run() launches; negative when a library or a plugin does not say.
  [[nodiscard]] std::int64_t launches() const { return launches_; }
  [[nodiscard]] const PlanBuffers& plan() const { return plan_; }

 private:
  enum Phase { kBegin, kChosen, kRouted, kPermuted, kComputed, kCombined, kPhases };
  std::unique_ptr<ExpertProducts> make_products(const DeviceWeights& weights);
  void warm_library();
  OwnedGraph capture(const TraceBuffers& trace);
  void count_launches();
  StepTimes replay(const OwnedGraph& graph, const TraceBuffers& trace);
  void enqueue_layer(std::size_t set, bool captured, const TraceBuffers& trace);
  void enqueue_step(bool captured, const TraceBuffers& trace);
  void mark(Phase phase, bool captured);
  void tell(Phase reached) const;
  /// Times what `enqueue` puts on the stream; total_s is that of one of `layers`.
  template <class Enqueue>
  StepTimes timed(std::size_t layers, const Enqueue& enqueue);

  LayerShape shape_;
  PlanBuffers plan_;
  StepBench& bench_;
  std::vector<std::unique_ptr<ExpertProducts>> products_;  ///< a weight set
  std::vector<OwnedEvent> marks_;
  OwnedEvent begin_ = make_event(true);
  OwnedEvent end_ = make_event(true);
  OwnedGraph graph_;
  std::int64_t launches_ = -1;
  DeviceBuffer up_tiles_, down_tiles_;  ///< made with the first trace()
  OwnedGraph traced_graph_;
  StepObserver observer_;  ///< of run_staged(), while it runs
  bool idle_between_ = false;
};

}  // namespace hotexpert
