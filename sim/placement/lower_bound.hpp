#pragma once

#include <span>

#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// A proven lower bound of the largest scaled rank load (rows / rank speed) that any placement of
/// `load` into the target's slots can reach, replicas of an expert sharing its rows equally:
///   max(total load / total speed, smallest possible largest replica / fastest speed).
/// The first holds because the scaled maximum is at least the speed-weighted mean; the second is
/// max load / copies after replicate_hottest, the least that P slots allow, and some rank holds
/// that replica. It ignores which replicas fit together, so with few slots a rank it is loose.
/// @param load [E]   @return in rows; 0 when nothing is loaded   @note O(E (P - E)) work
double placement_lower_bound(std::span<const double> load, const PlacementTarget& target);

/// The same for placements that keep each group of experts on one node, every node holding equally
/// many groups, slots and ranks. Over the nodes: of the k N + 1 heaviest groups one node holds k +
/// 1, and beside them no less than the lightest groups; that load over the fastest node's speed.
/// Inside a node: a group's experts share the slots that its companions leave. Never below
/// placement_lower_bound; exact in the first part for one group a node. Where groups do not divide
/// over nodes there is no such placement, and the result is placement_lower_bound.
double grouped_lower_bound(std::span<const double> load, const PlacementTarget& target);

}  // namespace hotexpert
