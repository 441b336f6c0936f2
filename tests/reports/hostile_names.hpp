#pragma once

#include <string>
#include <vector>

#include "sim/base/json.hpp"

namespace hotexpert::test_support {

/// Forty names that try to leave the place they are written to: a script, an attribute, a formula,
/// a terminal, a table cell, a line of text.
const std::vector<std::string>& hostile_names();

/// Writes a run folder with the names in every field a user controls: title, environment, axis
/// names and labels, axis values, metric names, reasons, warnings.
void write_hostile_run(const std::string& dir);

}  // namespace hotexpert::test_support
