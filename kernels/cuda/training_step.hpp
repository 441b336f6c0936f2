#pragma once

#include <memory>
#include <vector>

#include "kernels/cuda/plan/device_training.hpp"
#include "kernels/cuda/step.hpp"
#include "kernels/cuda/training_products.hpp"

namespace hotexpert {

/// One loaded plan as a training step on the stream, with an event between its phases, as one CUDA
/// graph or launched one by one:
///   forward   route, permute, experts, combine
///   backward  gradients of y and of gate weights, dgrad, wgrad, gradients of the input
class TrainingStep {
 public:
  /// @param pass backward or training; for backward the forward half runs once, here
  TrainingStep(const LayerShape& shape, TrainingBuffers buffers, const TrainingWeights& weights,
               LayerPass pass, StepBench& bench);
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  TrainingTimes run();
  [[nodiscard]] const TrainingBuffers& buffers() const { return buffers_; }

 private:
  enum Mark {
    kBegin,
    kRouted,
    kPermuted,
    kComputed,
    kCombined,  // forward
    kTurned,
    kScattered,
    kDgrad,
    kWgrad,
    kEnd,  // backward
    kMarks
  };
  void mark(Mark which, bool captured);
  void enqueue_forward(bool captured);
  void enqueue_backward(bool captured);
  void enqueue(bool captured);
  OwnedGraph capture();

  LayerShape shape_;
  TrainingBuffers buffers_;
  LayerPass pass_;
  StepBench& bench_;
  std::unique_ptr<TrainingProducts> products_;
  std::vector<OwnedEvent> marks_;
  OwnedEvent begin_ = make_event(true);
  OwnedEvent end_ = make_event(true);
  OwnedGraph graph_;
};

}  // namespace hotexpert
