#pragma once

#include <vector>

#include "sim/core/point_result.hpp"
#include "sim/model/calibration.hpp"
#include "sim/model/metric_league.hpp"
#include "sim/model/price_list.hpp"
#include "sim/model/validation.hpp"

namespace hotexpert {

// What the commands of the cost model find out, as points of a run folder.

/// A point a cell: axes of `layer` (the layer, kernel, device and ranks that were priced), then
/// step.tokens and skew. Times and the price are modelled, with their intervals; what binds is the
/// series price.cause_s, in the order of Binding.
std::vector<PointResult> price_points(const Point& layer, const std::vector<PriceCell>& cells);

/// A point for each shape, number of ranks and distribution: fit.* errors, and as series along
/// "row" fit.measured_s, fit.predicted_s, fit.tokens and, where shapes were left out in turn,
/// fit.held_out_s.
std::vector<PointResult> validation_points(const ValidationReport& report,
                                           const std::vector<PublishedRow>& rows);

/// The same for measured passes: a point a kernel family.
std::vector<PointResult> validation_points(const std::vector<CalibrationSample>& samples,
                                           const std::vector<double>& predicted_s);

/// A point for each regime and metric, best metric first.
std::vector<PointResult> league_points(const std::vector<LeagueRow>& league);

}  // namespace hotexpert
