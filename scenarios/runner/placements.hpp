#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/runner/point_spec.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/core/expert_placement.hpp"
#include "sim/model/network_model.hpp"
#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// Where a point's experts live, layer by layer.
struct Placements {
  PlacementTarget target;
  NetworkDescription network;         ///< its nodes are those of the target
  std::vector<PlacedLayer> by_layer;  ///< [layers of the point's range]
  std::int64_t window = 0;  ///< steps [0, window) of the trace were planned on, later ones count

  [[nodiscard]] const ExpertPlacement& of(int layer_in_range) const {
    return by_layer[static_cast<std::size_t>(layer_in_range)].placement;
  }
};

/// Places the experts of every layer on the point's ranks, from the loads of the window alone; a
/// method that knows co-activation sees which experts the window's tokens chose together. One rank:
/// every expert in its place, whatever the method.
/// @throws UsageError for ranks, nodes, slots, groups or speeds that do not fit together, or a
/// window that leaves nothing to score
Placements place_experts(const PointSpec& spec, const RoutingTrace& trace, int threads);

/// The ranks' nodes: `nodes`, or for 0 the fewest equal ones of at most `ranks_per_node` ranks.
int node_count(int nodes, int ranks, int ranks_per_node);

}  // namespace hotexpert
