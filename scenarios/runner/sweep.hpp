#pragma once

#include <functional>
#include <optional>
#include <string>

#include "scenarios/runner/point_spec.hpp"
#include "scenarios/runner/scenario.hpp"
#include "scenarios/runner/shard.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// Times a point of `ep.exec = mpi` in processes of its own and adds what they measured.
using ProcessRunner = std::function<void(const PointSpec& spec, PointResult& result)>;

struct SweepOptions {
  std::string run_dir;
  bool resume = false;
  int threads = 0;             ///< for counting; 0 = all
  std::optional<Shard> shard;  ///< run this block of the points only
  std::function<void(std::int64_t done, std::int64_t total, const std::string& what)> on_progress;
  std::function<bool()> should_stop;  ///< asked between points
  ProcessRunner run_processes;        ///< empty: points of `ep.exec = mpi` are skipped
};

struct SweepSummary {
  std::int64_t total = 0;
  std::int64_t ok = 0;
  std::int64_t skipped = 0;
  std::int64_t failed = 0;
  std::int64_t reused = 0;  ///< finished before, by --resume
  bool stopped = false;
};

/// Runs every point of a scenario and appends each to the run folder as soon as it is done.
/// A point that cannot run is recorded as skipped or failed with its reason, and the sweep goes on.
/// @throws DeviceError after a point that took the device from this process: none can follow
SweepSummary run_sweep(const Scenario& scenario, const SweepOptions& options);

/// All but the backend: the points with their counted metrics, in memory.
std::vector<PointResult> plan_points(const Scenario& scenario, const SweepOptions& options);

/// The manifest of a new run of the scenario.
Json make_manifest(const Scenario& scenario);

/// A short text that tells a point from its neighbours: only axes with several values.
std::string point_label(const Scenario& scenario, const AxisChoice& choice);

}  // namespace hotexpert
