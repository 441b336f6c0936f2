#pragma once

#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "scenarios/runner/scenario.hpp"
#include "scenarios/runner/sweep.hpp"

namespace hotexpert {

/// The scopes of a sweep's axes as a command's flags.
std::vector<AxisScope> sweep_axis_flags();

/// The argument of every command that runs a scenario.
inline constexpr ArgumentRow kScenarioArgument = {
    "SCENARIO", "scenario file, or the name of one in scenarios/; flags override its axes"};

/// The options of every command that runs a scenario.
std::vector<OptionRow> scenario_options();

/// --jobs, or 0 for all.
int job_count(const Arguments& arguments);

/// The run folder of a command that was given none: runs/TITLE-TIME.
std::string default_run_dir(const Scenario& scenario);

/// Reads the scenario file named by the first positional argument (none: all defaults) and applies
/// the axis flags.
Scenario load_scenario(const Arguments& arguments);

/// @throws UsageError when the scenario has more than 100,000 points and --yes was not given.
void check_point_count(const Scenario& scenario, const Arguments& arguments,
                       std::initializer_list<AxisScope> scopes = kSweepScopes);

/// Points as table rows: axes, outcome, and the value of each metric.
Json::Array point_rows(const std::vector<PointResult>& results);

}  // namespace hotexpert
