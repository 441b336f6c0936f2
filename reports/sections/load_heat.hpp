#pragma once

#include <optional>
#include <string>

#include "reports/section.hpp"

namespace hotexpert {

/// The most steps (or bins of consecutive steps) a heat map shows.
inline constexpr std::int64_t kMaxHeatSteps = 64;

/// load.by_expert as a grid of load over the mean load of its step and layer.
/// @param series dims {step, layer, expert} or {layer, expert}, row-major
/// @return dims {step, expert}: the mean over layers, consecutive steps joined into at most
/// kMaxHeatSteps bins of equal length
Series load_by_step(Series series);
/// @return dims {layer, expert}: the mean over steps
Series load_by_layer(Series series);

/// The grid of the shown point with the highest max/mean load: a row a step or layer, a column an
/// expert.
Table heat_table(const Comparison& comparison, const View& view, const SeriesRequest& request,
                 std::string caption);

}  // namespace hotexpert
