#pragma once

#include <optional>
#include <span>
#include <vector>

#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// What one layer's loads do to a placement, replicas of an expert sharing its rows equally.
struct PlacementScore {
  std::vector<double> rank_load;  ///< [R] rows
  double max_over_mean = 1;       ///< `rank.max_over_mean`: max / mean of rank_load; 1 without load
  int slowest_rank = 0;           ///< largest rank_load / speed, lower index on ties
  double slowest_load = 0;        ///< rank_load / speed of that rank: what the step waits for
  /// Rows of experts placed on another node than the one that serves most rows of their group: what
  /// a node-limited router pays in extra cross-node rows. 0 when every group stays on one node, or
  /// the router has no groups.
  double cross_node_rows = 0;
  /// With co-activation: pairs of a token's experts expected on one rank, each such pair a rank
  /// less that the token visits. nullopt without.
  std::optional<double> colocated_pairs;
};

/// Scores a placement on loads it may never have seen.
/// @param load [E] rows of each logical expert   @param coactivation [E, E] or empty
/// @throws UsageError when the load is not of the placement's experts
PlacementScore score_placement(const ExpertPlacement& placement, std::span<const double> load,
                               const PlacementTarget& target,
                               std::span<const double> coactivation = {});

/// Rows each rank computes: [R], summed in the order of slots.
void rank_loads(const ExpertPlacement& placement, std::span<const double> load,
                std::vector<double>& rank_load);

/// How far a placement is from the best there can be.
struct Certificate {
  double slowest_load = 0;     ///< largest rank load / speed
  double lower_bound = 0;      ///< proven: no placement under the method's restrictions is below it
  double lower_bound_any = 0;  ///< the same for placements without restrictions
  double ratio =
      1;  ///< `place.lower_bound_ratio`: slowest_load / lower_bound, >= 1; 1 without load
};

/// The certificate of a layer on the loads given. Rounding can put the quotient a few ulp below 1;
/// it is reported as 1.
Certificate certify(const PlacedLayer& layer, std::span<const double> load,
                    const PlacementTarget& target);

}  // namespace hotexpert
