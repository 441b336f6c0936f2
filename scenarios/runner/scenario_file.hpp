#pragma once

#include <string>

#include "scenarios/runner/scenario.hpp"

namespace hotexpert {

/// Reads a scenario file: TOML whose keys are axis names (`skew.model`, or `model` in the table
/// `[skew]`), each with a value, a list, or a text in the grammar of parse_axis_values(); beside
/// them `title` and `description`. Relative `trace.file` paths are looked up from the working
/// directory.
/// @param name_or_path a file, or a shipped scenario: "quickstart", "scenarios/quickstart.toml"
/// @throws UsageError naming file:line:column, key and remedy for anything else.
Scenario read_scenario(const std::string& name_or_path);

}  // namespace hotexpert
