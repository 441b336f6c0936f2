#pragma once

#include "scenarios/runner/train_spec.hpp"
#include "sim/core/point_result.hpp"
#include "sim/training/trainer.hpp"

namespace hotexpert {

/// Values along a curve of a run; a longer run is averaged over that many equal parts.
inline constexpr std::int64_t kCurvePoints = 100;

/// The first step after each part of a curve, [parts]: what curve.step holds.
std::vector<std::int64_t> curve_steps(std::int64_t steps);

/// A finished run as a result:
/// - failed, with step and cause, where training left the finite numbers;
/// - train.* of its summary and its held-out evaluation; load.* of the held-out batches, counted;
///   drop.assignment_fraction@CF and drop.floor_fraction@CF at the usual capacity factors;
/// - series curve.* [step] (see curve_steps) and lab.class_counts [expert, class].
/// Times are added by time_trained_layer().
PointResult to_result(const TrainSpec& spec, const training::TrainingRun& run);

}  // namespace hotexpert
