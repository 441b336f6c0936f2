#include "sim/routing/plan_dispatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/routing/send_rows.hpp"

namespace hotexpert {
namespace {

void check_sizes(const RoutingBatch& batch, const ExpertPlacement& placement) {
  if (batch.num_experts != placement.num_experts()) {
    throw UsageError(fmt::format("the routing has {} experts, the placement {}", batch.num_experts,
                                 placement.num_experts()));
  }
  if (batch.assignments() > std::numeric_limits<std::int32_t>::max()) {
    throw InputError(fmt::format(
        "step.tokens: {} tokens of {} slots are more than 2^31 - 1 assignments in a step (use "
        "smaller steps)",
        batch.tokens, batch.slots));
  }
}

}  // namespace

DispatchPlanner::DispatchPlanner(const CapacityPolicy& policy)
    : policy_(policy), rule_(policy.rule), drop_policy_(policy.drop_policy) {
  if (policy.group < 0) {
    throw UsageError(fmt::format(
        "capacity.group: {} tokens (write a number >= 1, or 0 for the whole batch)", policy.group));
  }
}

bool DispatchPlanner::takes_first_rows() const {
  return rule_.row().bin == CapacityBin::kExpert && drop_policy_.row().keep == keep_by_position;
}

std::optional<std::string> DispatchPlanner::unsupported(const RoutingFields& fields, int top_k,
                                                        const ExpertPlacement& placement) const {
  if (!policy_.factor) return std::nullopt;
  if (auto reason = rule_.unsupported(top_k)) return reason;
  if (rule_.row().bin == CapacityBin::kRank &&
      placement.num_physical() != placement.num_experts()) {
    return fmt::format(
        "capacity.rule '{}' limits ranks, and a replicated expert is on several (use a placement "
        "without replicas, or a rule by expert)",
        rule_.row().name);
  }
  return drop_policy_.unsupported(fields);
}

void DispatchPlanner::count_groups(const RoutingBatch& batch) {
  const bool whole =
      policy_.group == 0 || rule_.row().pool == CapacityPool::kBatch || !policy_.factor;
  group_tokens_ = std::max<std::int64_t>(1, whole ? batch.tokens : policy_.group);
  const auto groups = (batch.tokens + group_tokens_ - 1) / group_tokens_;
  const auto bins = id_bins(batch.num_experts);
  group_load_.resize(static_cast<std::size_t>(groups) * bins);
  for (std::int64_t g = 0; g < groups; ++g) {
    const auto first = g * group_tokens_;
    const auto tokens = std::min(group_tokens_, batch.tokens - first);
    count_ids(batch.topk_ids.subspan(static_cast<std::size_t>(first * batch.slots),
                                     static_cast<std::size_t>(tokens * batch.slots)),
              batch.num_experts,
              std::span(group_load_).subspan(static_cast<std::size_t>(g) * bins, bins), scratch_);
  }
}

void DispatchPlanner::set_capacities(const RoutingBatch& batch, const ExpertPlacement& placement) {
  const bool by_rank = rule_.row().bin == CapacityBin::kRank;
  num_bins_ = by_rank ? placement.num_ranks() : batch.num_experts;
  bin_of_expert_.resize(static_cast<std::size_t>(batch.num_experts));
  for (int e = 0; e < batch.num_experts; ++e) {
    const auto slot = index(placement.replicas(static_cast<LogicalExpert>(e)).front());
    bin_of_expert_[static_cast<std::size_t>(e)] =
        by_rank ? index(placement.physical_to_rank()[static_cast<std::size_t>(slot)]) : e;
  }
  const auto bins = id_bins(batch.num_experts);
  group_capacity_.resize(group_load_.size() / bins);
  for (std::size_t g = 0; g < group_capacity_.size(); ++g) {
    const auto first = static_cast<std::int64_t>(g) * group_tokens_;
    const auto load = std::span(group_load_).subspan(g * bins + 1, bins - 2);
    const CapacityScope scope{.tokens = std::min(group_tokens_, batch.tokens - first),
                              .num_experts = batch.num_experts,
                              .top_k = batch.slots,
                              .num_ranks = placement.num_ranks()};
    const std::int64_t largest = load.empty() ? 0 : *std::max_element(load.begin(), load.end());
    group_capacity_[g] =
        capacity_of(rule_, scope, *policy_.factor, largest, policy_.float_compat).value();
  }
}

void DispatchPlanner::fill_capacity(const ExpertPlacement& placement, DispatchPlan& plan) const {
  const auto total =
      std::accumulate(group_capacity_.begin(), group_capacity_.end(), std::int64_t{0});
  plan.capacity.resize(static_cast<std::size_t>(placement.num_physical()));
  for (int e = 0; e < placement.num_experts(); ++e) {
    const auto replicas = placement.replicas(static_cast<LogicalExpert>(e));
    const auto copies = static_cast<std::int64_t>(replicas.size());
    for (std::int64_t r = 0; r < copies; ++r) {
      plan.capacity[static_cast<std::size_t>(index(replicas[static_cast<std::size_t>(r)]))] =
          (total - r + copies - 1) / copies;
    }
  }
}

void DispatchPlanner::keep_by_policy(const RoutingBatch& batch) {
  kept_.expert.resize(static_cast<std::size_t>(batch.assignments()));
  kept_.weight.clear();
  for (std::size_t g = 0; g < group_capacity_.size(); ++g) {
    const auto first = static_cast<std::int64_t>(g) * group_tokens_;
    drop_policy_.keep({.batch = batch,
                       .first_token = first,
                       .end_token = std::min(batch.tokens, first + group_tokens_),
                       .bin_of_expert = bin_of_expert_,
                       .num_bins = num_bins_,
                       .capacity = group_capacity_[g],
                       .seed = policy_.seed},
                      kept_);
  }
}

void DispatchPlanner::sort_kept(const RoutingBatch& batch, const ExpertPlacement& placement,
                                DispatchPlan& plan) {
  kept_load_.resize(id_bins(batch.num_experts));
  count_ids(kept_.expert, batch.num_experts, kept_load_, scratch_);
  sort_rows(
      {.ids = kept_.expert,
       .weights = kept_.weight.empty() ? batch.topk_weights : std::span<const float>(kept_.weight),
       .group_tokens = std::max<std::int64_t>(1, batch.tokens),
       .load = kept_load_,
       .capacity = {}},
      placement, scratch_, plan);
  plan.dropped.clear();
  for (std::size_t i = 0; i < kept_.expert.size(); ++i) {
    const StoredExpert chosen = batch.topk_ids[i];
    if (kept_.expert[i] == chosen || !is_expert(batch, chosen)) continue;
    if (kept_.expert[i] == kAbsent) {
      plan.dropped.push_back(static_cast<std::int32_t>(i));
    } else {
      ++plan.rerouted;
    }
  }
}

void DispatchPlanner::plan(const RoutingBatch& batch, const ExpertPlacement& placement,
                           DispatchPlan& plan) {
  check_sizes(batch, placement);
  if (const auto reason = unsupported(fields_of(batch), batch.slots, placement)) {
    throw UsageError(*reason);
  }
  plan.tokens = batch.tokens;
  plan.slots = batch.slots;
  plan.num_physical = placement.num_physical();
  plan.num_ranks = placement.num_ranks();
  plan.rank_of_expert.resize(static_cast<std::size_t>(placement.num_physical()));
  std::transform(placement.physical_to_rank().begin(), placement.physical_to_rank().end(),
                 plan.rank_of_expert.begin(), [](Rank rank) { return index(rank); });

  count_groups(batch);
  const auto bins = id_bins(batch.num_experts);
  plan.absent = 0;
  plan.invalid = 0;
  plan.rerouted = 0;
  for (std::size_t g = 0; g < group_load_.size(); g += bins) {
    plan.absent += group_load_[g];
    plan.invalid += group_load_[g + bins - 1];
  }
  group_capacity_.clear();
  plan.capacity.clear();
  if (policy_.factor) {
    set_capacities(batch, placement);
    fill_capacity(placement, plan);
  }
  if (!policy_.factor || takes_first_rows()) {
    sort_rows({.ids = batch.topk_ids.first(static_cast<std::size_t>(batch.assignments())),
               .weights = batch.topk_weights,
               .group_tokens = group_tokens_,
               .load = group_load_,
               .capacity = group_capacity_},
              placement, scratch_, plan);
  } else {
    keep_by_policy(batch);
    sort_kept(batch, placement, plan);
  }
  count_send_rows(batch, plan);
}

DispatchPlan plan_dispatch(const RoutingBatch& batch, const ExpertPlacement& placement,
                           const CapacityPolicy& policy) {
  DispatchPlan plan;
  DispatchPlanner(policy).plan(batch, placement, plan);
  return plan;
}

}  // namespace hotexpert
