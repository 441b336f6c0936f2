#pragma once

#include <string>

#include "reports/comparison.hpp"

namespace hotexpert {

/// One warning on stderr for every line of the run that was left out, and how many were damaged.
void warn_about(const Run& run);

/// What can be said of the runs, one plain sentence a line, for a terminal.
std::string findings_text(const Comparison& comparison);

/// The same sentences for --json.
Json findings_json(const Comparison& comparison);

}  // namespace hotexpert
