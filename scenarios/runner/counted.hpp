#pragma once

#include "scenarios/runner/placements.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/core/point_result.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// Loads and drops of every batch of a point.
struct Counted {
  BatchRange range;
  LoadMatrix load;  ///< [range.steps, range.layers, experts]
};

/// Counts loads, plans every batch under the point's capacity, and adds the load, rank and drop
/// metrics (provenance `counted`; drop.floor_fraction `expected`) and the series load.by_expert to
/// `result`. Rank metrics are of the steps after the window that placements were planned on, all
/// others of every step. The result does not depend on `threads`.
Counted count_point(const PointSpec& spec, const RoutingTrace& trace, const Placements& placements,
                    int threads, PointResult& result);

}  // namespace hotexpert
