#include "sim/routing/rank_plan.hpp"

#include <algorithm>

#include "sim/routing/send_rows.hpp"

namespace hotexpert {
namespace {

std::vector<int> slots_of(const DispatchPlan& plan, int rank) {
  std::vector<int> slots;
  for (int p = 0; p < plan.num_physical; ++p) {
    if (plan.rank_of_expert[static_cast<std::size_t>(p)] == rank) slots.push_back(p);
  }
  return slots;
}

/// Gives tokens that have a row the numbers 0, 1, ... in rising order.
void number_tokens_anew(DispatchPlan& plan) {
  std::vector<std::int32_t> present = plan.source_token;
  std::sort(present.begin(), present.end());
  present.erase(std::unique(present.begin(), present.end()), present.end());
  plan.tokens = static_cast<std::int64_t>(present.size());
  for (std::size_t row = 0; row < plan.source_token.size(); ++row) {
    const auto found = std::lower_bound(present.begin(), present.end(), plan.source_token[row]);
    const auto slot = plan.source_slot[row] % plan.slots;
    plan.source_token[row] = static_cast<std::int32_t>(found - present.begin());
    plan.source_slot[row] = plan.source_token[row] * plan.slots + slot;
  }
}

void become_the_only_rank(DispatchPlan& plan) {
  plan.num_ranks = 1;
  plan.rank_of_expert.assign(static_cast<std::size_t>(plan.num_physical), 0);
  plan.absent = plan.tokens * plan.slots - plan.rows();
}

}  // namespace

DispatchPlan rank_plan(const DispatchPlan& plan, int rank) {
  DispatchPlan local;
  local.slots = plan.slots;
  local.expert_offsets = {0};
  for (const int p : slots_of(plan, rank)) {
    const auto at = static_cast<std::size_t>(p);
    const auto begin = plan.expert_offsets[at];
    const auto end = plan.expert_offsets[at + 1];
    const auto append = [&](const auto& from, auto& to) {
      to.insert(to.end(), from.begin() + begin, from.begin() + end);
    };
    append(plan.source_token, local.source_token);
    append(plan.source_slot, local.source_slot);
    if (!plan.gate_weight.empty()) append(plan.gate_weight, local.gate_weight);
    if (!plan.capacity.empty()) local.capacity.push_back(plan.capacity[at]);
    local.expert_offsets.push_back(local.expert_offsets.back() + end - begin);
    ++local.num_physical;
  }
  number_tokens_anew(local);
  become_the_only_rank(local);
  return local;
}

DispatchPlan dense_plan(std::int64_t tokens, int experts) {
  DispatchPlan plan;
  plan.tokens = tokens;
  plan.slots = experts;
  plan.num_physical = experts;
  plan.expert_offsets = {0};
  for (int expert = 0; expert < experts; ++expert) {
    for (std::int64_t token = 0; token < tokens; ++token) {
      plan.source_token.push_back(static_cast<std::int32_t>(token));
      plan.source_slot.push_back(static_cast<std::int32_t>(token * experts + expert));
      plan.gate_weight.push_back(1.0F);
    }
    plan.expert_offsets.push_back(plan.expert_offsets.back() + tokens);
  }
  become_the_only_rank(plan);
  return plan;
}

std::vector<std::int64_t> owned_tokens(const RoutingBatch& batch, int num_ranks) {
  std::vector<std::int64_t> owned(static_cast<std::size_t>(num_ranks), 0);
  if (!batch.source_rank.empty() && num_ranks > 1) {
    for (std::int64_t token = 0; token < batch.tokens; ++token)
      ++owned[static_cast<std::size_t>(source_rank(batch, num_ranks, token))];
    return owned;
  }
  for (int rank = 0; rank < num_ranks; ++rank) {
    owned[static_cast<std::size_t>(rank)] = first_token_of_rank(batch.tokens, num_ranks, rank + 1) -
                                            first_token_of_rank(batch.tokens, num_ranks, rank);
  }
  return owned;
}

}  // namespace hotexpert
