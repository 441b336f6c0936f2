#pragma once

#include <string>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/training/router_state.hpp"

namespace hotexpert::training {

/// The routing of a trained router on held-out batches, as any other command takes it: one step a
/// batch, one layer, with gate weights and scores. Slots are in order of falling weight; where
/// tokens have different numbers of experts (expert choice), the others are absent.
class TrainedTrace final : public RoutingTrace {
 public:
  /// @param name shown in results: task and method
  TrainedTrace(std::string name, int num_experts, int top_k);

  /// Appends one batch as the next step.
  template <class Scalar>
  void append(const RouterState<Scalar>& state);

  [[nodiscard]] const TraceInfo& info() const override { return info_; }
  RoutingBatch read(std::int64_t step, int layer, BatchBuffer& buffer) const override;

 private:
  struct Batch {
    std::int64_t tokens = 0;
    int slots = 0;
    std::vector<StoredExpert> topk_ids;
    std::vector<float> topk_weights;
    std::vector<float> scores;
  };

  TraceInfo info_;
  std::vector<Batch> batches_;
};

}  // namespace hotexpert::training
