#pragma once

#include <functional>
#include <string>
#include <vector>

#include "scenarios/runner/sweep.hpp"
#include "scenarios/runner/train_spec.hpp"

namespace hotexpert {

/// Where a run of the lab stands.
struct TrainProgress {
  std::int64_t done = 0;   ///< points
  std::int64_t total = 0;  ///< points
  double share = 0;        ///< of the steps of this sitting that are done, in [0, 1]
  std::string latest;      ///< "megatron 0.01, seed 2: step 640/1000, loss 0.431, MaxVio 0.42, ..."
};

struct TrainOptions {
  std::string run_dir;
  bool resume = false;
  int threads = 0;           ///< points trained at the same time; 0 = one a core
  bool save_traces = false;  ///< RUN_DIR/traces/<n>.safetensors: each trained router's routing
  std::function<void(const TrainProgress&)> on_progress;  ///< several times a second
  std::function<bool()> should_stop;
};

/// Trains every point of a scenario, one a core, and appends each to the run folder as soon as it
/// is done and timed. While a layer is timed, training pauses. A point that diverges is recorded as
/// failed with step and cause. A stop, and every ten seconds of a point, leaves checkpoints that a
/// resumed run goes on from; its results are the bytes of a run that was never stopped.
SweepSummary run_training(const Scenario& scenario, const TrainOptions& options);

/// The manifest of a run of the lab: its axes, and under "methods" each combination's coefficient
/// with the formula it multiplies.
Json train_manifest(const Scenario& scenario, const std::vector<TrainSpec>& specs);

}  // namespace hotexpert
