#pragma once

#include <string>
#include <vector>

#include "scenarios/runner/placements.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "sim/core/point_result.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// One value a (step, layer): their mean, and their percentiles where there are several.
Measurement over_batches(std::string metric, const std::vector<double>& values,
                         Provenance provenance);

/// Adds what placements make of the loads of the scored steps: the rank load metrics; with several
/// ranks also the certificate (place.lower_bound_ratio), the weights moved to get there from
/// `contiguous`, the hottest rank's peak bytes (modelled), the window that was planned on, and the
/// series rank.load and rank.load_contiguous [layer, rank], mean rows a step.
void count_ranks(const PointSpec& spec, const Placements& placements, const LoadMatrix& load,
                 PointResult& result);

}  // namespace hotexpert
