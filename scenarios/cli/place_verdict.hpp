#pragma once

#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "scenarios/cli/place_loads.hpp"
#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// Options of `place --verdict`.
std::vector<OptionRow> place_verdict_options();

/// Judges rebalancing on the steps of the recording and prints verdict, reasons and the sweep over
/// schedules.
/// @throws UsageError when the loads have no steps to replay
void print_verdict(const PlaceLoads& loads, const PlacementTarget& target,
                   const Arguments& arguments);

}  // namespace hotexpert
