#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/expert_placement.hpp"

namespace hotexpert {

/// The ranks experts are placed on, and how many slots they have.
struct PlacementTarget {
  int ranks = 1;   ///< R, 1 to 4,096 (`ep.ranks`)
  int nodes = 1;   ///< ranks [n R/nodes, (n+1) R/nodes) form node n (`ep.nodes`)
  int groups = 1;  ///< router groups of E/groups consecutive experts (`placement.groups`)
  int slots = 0;   ///< P over all ranks, at least E; 0 = E, no replica (`placement.slots`)
  std::vector<double> rank_speed = {};  ///< [R] relative speed of each rank, > 0; empty = all 1

  [[nodiscard]] int slot_count(int num_experts) const { return slots == 0 ? num_experts : slots; }
  [[nodiscard]] int ranks_per_node() const { return ranks / nodes; }
  [[nodiscard]] double speed(int rank) const {
    return rank_speed.empty() ? 1.0 : rank_speed[static_cast<std::size_t>(rank)];
  }
  /// True where EPLB's hierarchical policy applies: whole groups can be dealt to nodes evenly.
  [[nodiscard]] bool groups_divide_over_nodes() const { return groups % nodes == 0; }
};

/// One layer to place. A method sees past load only: what it is scored on comes later.
struct PlacementProblem {
  std::span<const double> load;  ///< [E] rows of each logical expert, finite, >= 0
  PlacementTarget target;
  /// [E, E] symmetric: tokens that chose both experts; the diagonal is ignored. Empty = unknown.
  std::span<const double> coactivation = {};
  std::uint64_t seed = 0;   ///< for methods that draw
  std::uint32_t layer = 0;  ///< for methods that draw

  [[nodiscard]] int num_experts() const { return static_cast<int>(load.size()); }
  [[nodiscard]] int slots() const { return target.slot_count(num_experts()); }
};

/// Checks a problem before a method sees it.
/// @throws UsageError naming key, value and remedy: too few slots, more ranks than slots, nodes
/// that do not divide ranks, groups that do not divide experts, speeds of the wrong number or sign.
/// @throws InputError for a load that is negative or not finite.
void validate(const PlacementProblem& problem);

/// [P] rank of each slot: ranks own consecutive slots, P / R each, and the first P mod R one more.
std::vector<Rank> ranks_of_slots(int slots, int ranks);

/// One layer as a method placed it.
struct PlacedLayer {
  ExpertPlacement placement;
  /// [P] which copy of its expert a slot holds: 0 is the first. EPLB numbers copies in the order in
  /// which it made them; other methods in the order of slots.
  std::vector<std::int32_t> copy_number;
  /// The method was held to placing each group on one node: its certificate is about such
  /// placements.
  bool groups_kept_on_nodes = false;

  /// Numbers copies by rising slot.
  explicit PlacedLayer(ExpertPlacement placed);
  PlacedLayer(ExpertPlacement placed, std::vector<std::int32_t> copies, bool groups_kept);
};

/// The layer whose slot p, in rank order, holds expert `slot_expert[p]`.
PlacedLayer place_in_order(const PlacementProblem& problem, std::vector<LogicalExpert> slot_expert);

}  // namespace hotexpert
