#pragma once

#include <vector>

#include "scenarios/runner/scenario.hpp"
#include "sim/core/point_result.hpp"
#include "sim/training/train_config.hpp"

namespace hotexpert {

/// One point of the router lab, with types.
struct TrainSpec {
  training::TrainConfig config;  ///< the method with its coefficient in place
  std::string convention;        ///< each coefficient with the formula it multiplies
  /// Every axis of the lab with its resolved value. train.weight is the number the first method was
  /// given, wherever that came from, or "none" where the method has no coefficient; train.method is
  /// the combination without it.
  Point point;
};

/// The configuration that a choice of values means.
/// @throws UsageError when a value makes no sense, alone or with another
TrainSpec make_train_spec(const AxisChoice& choice);

/// The points of a scenario in the order of its axes. A method without a coefficient has one point
/// whatever the values of train.weight. Methods and tasks are built once, so that a bad one, or a
/// corpus that cannot be read, ends here.
/// @throws UsageError, InputError
std::vector<TrainSpec> expand_training(const Scenario& scenario);

}  // namespace hotexpert
