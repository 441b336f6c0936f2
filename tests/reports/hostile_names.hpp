#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/base/json.hpp"

namespace hotexpert::test_support {

/// Forty names that try to leave the place they are written to: a script, an attribute, a formula,
/// a terminal, a table cell, a line of text.
const std::vector<std::string>& hostile_names();

/// Writes a run folder with the names in every field a user controls: environment, scenario, axis
/// names, labels, units and values, metric and series names, dimensions, units, reasons, warnings,
/// and what importing a trace found.
/// @param title which of the names is the run's title, and with several runs its name
void write_hostile_run(const std::string& dir, std::size_t title = 0);

}  // namespace hotexpert::test_support
