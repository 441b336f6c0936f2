#include "sim/routing/policies/reroute.hpp"

#include <algorithm>

#include "sim/routing/policies/position.hpp"

namespace hotexpert {
namespace {

/// The best-scored expert with room that the token does not use yet, or kAbsent.
StoredExpert best_with_room(const DropScope& scope, std::span<const float> scores,
                            std::span<const StoredExpert> used,
                            std::span<const std::int64_t> room) {
  StoredExpert best = kAbsent;
  for (int e = 0; e < scope.batch.num_experts; ++e) {
    const auto expert = static_cast<StoredExpert>(e);
    const auto bin = scope.bin_of_expert[static_cast<std::size_t>(e)];
    if (room[static_cast<std::size_t>(bin)] <= 0) continue;
    if (std::find(used.begin(), used.end(), expert) != used.end()) continue;
    if (best == kAbsent ||
        scores[static_cast<std::size_t>(e)] > scores[static_cast<std::size_t>(best)]) {
      best = expert;
    }
  }
  return best;
}

std::vector<std::int64_t> room_left(const DropScope& scope, const KeptAssignments& kept) {
  std::vector<std::int64_t> room(static_cast<std::size_t>(scope.num_bins), scope.capacity);
  const auto end = static_cast<std::size_t>(scope.end_token * scope.batch.slots);
  for (auto i = static_cast<std::size_t>(scope.first_token * scope.batch.slots); i < end; ++i) {
    if (kept.expert[i] == kAbsent) continue;
    --room[static_cast<std::size_t>(scope.bin_of_expert[static_cast<std::size_t>(kept.expert[i])])];
  }
  return room;
}

}  // namespace

void keep_or_reroute(const DropScope& scope, const NamedChoice& choice, KeptAssignments& kept) {
  const auto& batch = scope.batch;
  keep_by_position(scope, choice, kept);
  if (kept.weight.empty()) kept.weight.assign(batch.topk_weights.begin(), batch.topk_weights.end());
  auto room = room_left(scope, kept);
  const auto slots = static_cast<std::size_t>(batch.slots);
  const auto experts = static_cast<std::size_t>(batch.num_experts);
  for (auto token = static_cast<std::size_t>(scope.first_token);
       token < static_cast<std::size_t>(scope.end_token); ++token) {
    const auto scores = batch.scores.subspan(token * experts, experts);
    const auto used = std::span(kept.expert).subspan(token * slots, slots);
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const std::size_t i = token * slots + slot;
      const StoredExpert chosen = batch.topk_ids[i];
      if (used[slot] != kAbsent || !is_expert(batch, chosen)) continue;
      const StoredExpert other = best_with_room(scope, scores, used, room);
      if (other == kAbsent) continue;
      used[slot] = other;
      --room[static_cast<std::size_t>(scope.bin_of_expert[static_cast<std::size_t>(other)])];
      if (kept.weight.empty()) continue;
      const float old_score = scores[static_cast<std::size_t>(chosen)];
      const float ratio =
          old_score > 0 ? scores[static_cast<std::size_t>(other)] / old_score : 0.0F;
      kept.weight[i] *= ratio;
    }
  }
}

}  // namespace hotexpert
