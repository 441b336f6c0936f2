#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/dispatch_plan.hpp"
#include "sim/core/expert_placement.hpp"
#include "sim/core/routing_batch.hpp"
#include "sim/routing/capacity_rule.hpp"
#include "sim/routing/drop_policy.hpp"
#include "sim/routing/sort_rows.hpp"

namespace hotexpert {

/// Turns routing into dispatch plans under one capacity policy. Names are looked up once; planning
/// into a plan that has been used before allocates nothing where the routing is dropless or the
/// policy is `position` by expert.
///
/// Rows are sorted by physical expert, inside an expert by token, then slot. Drops are decided on
/// logical experts (or ranks, under the rule `device`), so that placement never changes them; what
/// an expert keeps goes to its replicas in turn, in token order, from the lowest slot on. Tokens
/// are cut into groups of policy.group tokens (0, or a rule that pools ranks: one group); the last
/// may be smaller and has the capacity of its own size. Cost: two passes over the ids, O(T * k +
/// groups * E); `probs` and its like O(T * k) more on average.
class DispatchPlanner {
 public:
  /// @throws UsageError for an unknown rule, policy or parameter, or a negative group
  explicit DispatchPlanner(const CapacityPolicy& policy);

  /// Why these choices cannot plan routing of this kind, or nullopt.
  /// @param fields  what the routing holds   @param top_k  its slots
  [[nodiscard]] std::optional<std::string> unsupported(const RoutingFields& fields, int top_k,
                                                       const ExpertPlacement& placement) const;

  /// Refills `plan`.
  /// @throws UsageError where unsupported(), or where the batch and the placement differ in E
  /// @throws InputError for more than 2^31 - 1 assignments, or a source rank out of range
  void plan(const RoutingBatch& batch, const ExpertPlacement& placement, DispatchPlan& plan);

 private:
  void count_groups(const RoutingBatch& batch);
  void set_capacities(const RoutingBatch& batch, const ExpertPlacement& placement);
  void fill_capacity(const ExpertPlacement& placement, DispatchPlan& plan) const;
  void keep_by_policy(const RoutingBatch& batch);
  void sort_kept(const RoutingBatch& batch, const ExpertPlacement& placement, DispatchPlan& plan);
  [[nodiscard]] bool takes_first_rows() const;

  CapacityPolicy policy_;
  CapacityRule rule_;
  DropPolicy drop_policy_;
  std::int64_t group_tokens_ = 1;
  SortScratch scratch_;
  std::vector<std::uint32_t> group_load_;     // [groups, id_bins]
  std::vector<std::int64_t> group_capacity_;  // [groups]; empty when dropless
  std::vector<std::int32_t> bin_of_expert_;   // [E]
  int num_bins_ = 0;
  KeptAssignments kept_;
  std::vector<std::uint32_t> kept_load_;  // [id_bins]
};

/// One plan: DispatchPlanner(policy).plan(...).
DispatchPlan plan_dispatch(const RoutingBatch& batch, const ExpertPlacement& placement,
                           const CapacityPolicy& policy);

}  // namespace hotexpert
