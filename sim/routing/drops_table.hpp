#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sim/core/expert_placement.hpp"
#include "sim/core/routing_batch.hpp"
#include "sim/metrics/value_counts.hpp"
#include "sim/routing/drops_query.hpp"
#include "sim/routing/plan_dispatch.hpp"

namespace hotexpert {

/// Counts the drops of any number of batches under every rule, policy and factor of a query, in
/// memory that grows with layers and distinct drop fractions only. Without policies a batch costs
/// one pass over its ids, whatever the number of rules and factors.
class DropsTable {
 public:
  /// @param placement  gives the ranks; read by rules that know them, and by statistics
  /// @throws UsageError for an unknown rule or policy, or a negative group
  DropsTable(DropsQuery query, ExpertPlacement placement);

  /// @throws UsageError for a negative factor in a rule without meaning for it
  void add(const RoutingBatch& batch);
  /// Adds what another table of the same query counted on other layers.
  void merge(const DropsTable& other);

  [[nodiscard]] std::vector<int> layers() const;
  /// A row for each rule, policy and factor, over all layers, in the query's order.
  [[nodiscard]] std::vector<DropsRow> rows() const;
  [[nodiscard]] std::vector<DropsRow> rows_of_layer(int layer) const;

 private:
  /// One rule, policy and factor.
  struct Choice {
    CapacityRule rule;
    std::string policy;
    Decimal factor;
    std::optional<DispatchPlanner> planner;  // absent: loads only
  };
  struct Cell {
    std::string unsupported;
    std::int64_t points = 0;
    std::optional<std::int64_t> capacity;
    std::int64_t capacity_rows = 0;  // capacity over all bins and groups
    std::int64_t kept_rows = 0;
    ValueCounts fractions;
    ValueCounts floors;
    std::optional<DropStatistics> statistics;

    void merge(const Cell& other);
  };
  /// Loads of a batch, group by group.
  struct GroupLoads {
    std::int64_t group_tokens = 1;
    std::vector<std::int64_t> by_expert;  // [groups, E]
    std::vector<std::int64_t> by_rank;    // [groups, R]
  };

  void count_groups(const RoutingBatch& batch, std::int64_t group_tokens, GroupLoads& loads);
  void add_choice(const RoutingBatch& batch, Choice& choice, const GroupLoads& loads, Cell& cell);
  double floor_of(std::int64_t tokens, const RoutingBatch& batch, std::int64_t capacity);
  [[nodiscard]] DropsRow row_of(const Choice& choice, const Cell& cell, int layer) const;

  DropsQuery query_;
  ExpertPlacement placement_;
  std::vector<Choice> choices_;
  std::map<int, std::vector<Cell>> cells_;  // by layer
  GroupLoads grouped_;
  GroupLoads pooled_;
  DispatchPlan plan_;
  std::map<std::pair<std::int64_t, std::int64_t>, double> floor_cache_;  // by (tokens, capacity)
};

}  // namespace hotexpert
