#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/core/dispatch_plan.hpp"

namespace hotexpert::test {

/// A routing written by hand: physical expert of each (token, slot); kDropped = dropped.
struct Routing {
  static constexpr int kDropped = -1;
  std::int64_t tokens = 0;
  int slots = 0;
  int num_physical = 0;
  std::vector<int> expert;     ///< [tokens, slots]
  std::vector<float> weights;  ///< [tokens, slots], or empty

  [[nodiscard]] int at(std::int64_t token, int slot) const {
    return expert[static_cast<std::size_t>(token * slots + slot)];
  }
  [[nodiscard]] float weight(std::int64_t token, int slot) const {
    return weights.empty() ? 1.0F / static_cast<float>(slots)
                           : weights[static_cast<std::size_t>(token * slots + slot)];
  }
};

/// Token t, slot s goes to expert(t, s), with gate weights 0.5, 0.25, … that differ a little by
/// token, so that exchanged weights show.
template <class ExpertOf>
Routing route(std::int64_t tokens, int slots, int num_physical, const ExpertOf& expert_of) {
  Routing routing{tokens, slots, num_physical, {}, {}};
  for (std::int64_t token = 0; token < tokens; ++token) {
    for (int slot = 0; slot < slots; ++slot) {
      routing.expert.push_back(expert_of(token, slot));
      routing.weights.push_back(static_cast<float>(1.0 + 0.01 * static_cast<double>(token % 50)) /
                                static_cast<float>(2 << slot));
    }
  }
  return routing;
}

/// The plan of a routing, by counting experts one after another: slow and obvious.
inline DispatchPlan plan_of(const Routing& routing, std::int64_t capacity = 0) {
  DispatchPlan plan;
  plan.tokens = routing.tokens;
  plan.slots = routing.slots;
  plan.num_physical = routing.num_physical;
  plan.expert_offsets = {0};
  if (capacity > 0) {
    plan.capacity.assign(static_cast<std::size_t>(routing.num_physical), capacity);
  }
  const auto positions = static_cast<std::int32_t>(routing.expert.size());
  for (int expert = 0; expert < routing.num_physical; ++expert) {
    for (std::int32_t position = 0; position < positions; ++position) {
      if (routing.expert[static_cast<std::size_t>(position)] != expert) continue;
      plan.source_slot.push_back(position);
      plan.source_token.push_back(position / routing.slots);
      if (!routing.weights.empty()) {
        plan.gate_weight.push_back(routing.weights[static_cast<std::size_t>(position)]);
      }
    }
    plan.expert_offsets.push_back(static_cast<std::int64_t>(plan.source_slot.size()));
  }
  for (std::int32_t position = 0; position < positions; ++position) {
    if (routing.expert[static_cast<std::size_t>(position)] == Routing::kDropped) {
      plan.dropped.push_back(position);
    }
  }
  plan.rank_of_expert.assign(static_cast<std::size_t>(routing.num_physical), 0);
  check_invariants(plan);
  return plan;
}

}  // namespace hotexpert::test
