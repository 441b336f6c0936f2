#pragma once

#include <string>

#include "reports/gate/power.hpp"
#include "reports/run_store.hpp"

namespace hotexpert {

/// A point of a finished run, set up to be timed again on this machine; or why it cannot be.
struct Remeasurement {
  PairMeasurer measure;     ///< layer.total_s of as many passes as the run has samples, twice
  double comparison_s = 0;  ///< about what one call takes
  std::string reason;       ///< where `measure` is empty: part of a sentence
};

/// Finds the point in the run's scenario, plans it and loads it. The two sides of a comparison are
/// timed one after the other, each after a warm-up of its own, as those of two runs are; the second
/// one waits, busy, until each pass took `slowdown` times as long.
/// @param run as read_run() returned it; its manifest has the scenario and the machine
/// @param point of that run, with samples of layer.total_s
Remeasurement remeasure(const Run& run, const PointResult& point);

}  // namespace hotexpert
