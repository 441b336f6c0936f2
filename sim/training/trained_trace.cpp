#include "sim/training/trained_trace.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hotexpert::training {

TrainedTrace::TrainedTrace(std::string name, int num_experts, int top_k) {
  info_.name = std::move(name);
  info_.num_experts = num_experts;
  info_.slots = top_k;
  info_.layers = 1;
  info_.has_weights = true;
  info_.has_scores = true;
}

template <class Scalar>
void TrainedTrace::append(const RouterState<Scalar>& state) {
  const int slots = state.selection.slots;
  Batch batch{state.tokens, slots, {}, {}, {}};
  std::vector<int> order(static_cast<std::size_t>(slots));
  for (std::int64_t t = 0; t < state.tokens; ++t) {
    const auto* ids = state.selection.ids.data() + t * slots;
    const auto* gates = state.gates.row(t);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      if ((ids[a] < 0) != (ids[b] < 0)) return ids[b] < 0;
      return gates[a] > gates[b];
    });
    for (const int slot : order) {
      batch.topk_ids.push_back(static_cast<StoredExpert>(ids[slot]));
      batch.topk_weights.push_back(static_cast<float>(gates[slot]));
    }
  }
  batch.scores.assign(state.scores.values.begin(), state.scores.values.end());
  info_.slots = std::max(info_.slots, slots);
  batches_.push_back(std::move(batch));
  info_.steps = static_cast<std::int64_t>(batches_.size());
}

template void TrainedTrace::append(const RouterState<float>&);
template void TrainedTrace::append(const RouterState<double>&);

RoutingBatch TrainedTrace::read(std::int64_t step, int layer, BatchBuffer& buffer) const {
  const auto& batch = batches_.at(static_cast<std::size_t>(step));
  RoutingBatch view;
  view.step = step;
  view.layer = layer;
  view.tokens = batch.tokens;
  view.slots = info_.slots;
  view.num_experts = info_.num_experts;
  view.scores = batch.scores;
  if (batch.slots == info_.slots) {
    view.topk_ids = batch.topk_ids;
    view.topk_weights = batch.topk_weights;
    return view;
  }
  // A batch whose tokens have fewer experts than those of another batch is padded.
  const auto wide = static_cast<std::size_t>(info_.slots);
  const auto narrow = static_cast<std::size_t>(batch.slots);
  const auto tokens = static_cast<std::size_t>(batch.tokens);
  buffer.topk_ids.assign(tokens * wide, kAbsent);
  buffer.topk_weights.assign(tokens * wide, 0.0F);
  for (std::size_t t = 0; t < tokens; ++t) {
    std::copy_n(batch.topk_ids.data() + t * narrow, narrow, buffer.topk_ids.data() + t * wide);
    std::copy_n(batch.topk_weights.data() + t * narrow, narrow,
                buffer.topk_weights.data() + t * wide);
  }
  view.topk_ids = buffer.topk_ids;
  view.topk_weights = buffer.topk_weights;
  return view;
}

}  // namespace hotexpert::training
