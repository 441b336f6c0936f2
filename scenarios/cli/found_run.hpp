#pragma once

#include <string>
#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "scenarios/runner/scenario.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// The option of commands that can also leave what they found as a run folder.
OptionRow found_run_option();

/// Writes the run folder that --output names, where it was given; `hotexpert report` draws it.
/// @param scenario title, description, and the values that every point shares
/// @param facts further entries of the manifest: {"key": value}
/// @throws UsageError, OutputError as RunWriter does
void write_found_run(const Arguments& arguments, const Scenario& scenario, const Json& facts,
                     const std::vector<PointResult>& points);

}  // namespace hotexpert
