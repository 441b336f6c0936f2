#pragma once

#include <vector>

#include "scenarios/cli/table.hpp"
#include "scenarios/runner/scenario.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// One row for each method, weight and other axis that varies: the mean over seeds of the metrics
/// that matter, each with half the width of its 95 % interval over seeds ("±", Student's t).
CommandTable train_table(const Scenario& scenario, const std::vector<PointResult>& results);

/// What each weight of train.method and train.weight is worth in every convention: one row a pair.
CommandTable translation_table(const Scenario& scenario);

}  // namespace hotexpert
