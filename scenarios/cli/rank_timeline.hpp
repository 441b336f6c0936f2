#pragma once

#include <string>

#include "reports/comparison.hpp"

namespace hotexpert {

/// The expert-parallel points of the runs as a timeline that ui.perfetto.dev opens: one step a
/// point, one after another, ranks as processes, a further process naming the points.
/// @throws UsageError where no point has several ranks
std::string rank_timeline(const Comparison& comparison);

}  // namespace hotexpert
