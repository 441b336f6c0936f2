#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/runner/scenario.hpp"
#include "scenarios/runner/timed.hpp"
#include "scenarios/runner/timing_gate.hpp"
#include "sim/training/trainer.hpp"

namespace hotexpert {

/// How trained layers are timed: the scenario's kernels, backend and measure.* axes.
struct LabTiming {
  PointSpec base;                    ///< backend, threads, measure; the shape is the trained one's
  std::vector<std::string> kernels;  ///< every value of `kernel`; empty with backend none
};

/// @throws UsageError for a bad value, or two values of an axis other than `kernel`
/// @throws DeviceError where the backend cannot run here
LabTiming make_lab_timing(const Scenario& scenario, BackendPool& pool);

/// Routing with the given loads: assignments are dealt expert by expert over the tokens, so that a
/// token's experts are distinct. Timing depends on loads, not on which token goes where.
/// @param load [E], each at most `tokens`, in all at most tokens * slots
/// @param buffer holds the ids
RoutingBatch deal_loads(std::span<const std::int64_t> load, std::int64_t tokens, int slots,
                        BatchBuffer& buffer);

/// Between a kernel and the reason, in the warning of a point.
inline constexpr std::string_view kNotTimed = " was not timed: ";

/// Runs the trained layer's shape on every kernel, interleaved: the held-out batch of median load
/// (the trained router's own routing), its balanced control, and the loads of the median and the
/// hottest training step. Adds, for each kernel,
///   layer.total_s@KERNEL, layer.balanced_total_s@KERNEL, layer.imbalance_tax@KERNEL   measured
///   train.wall_s@KERNEL and the series curve.wall_s [kernel, step], kernels in the order of their
///   names: each training step costs the time at its max/mean load, linear between the four loads
///   that were timed   modelled, from measured times
/// A kernel that cannot run the shape, or whose device fails, gives a warning instead. Every arm is
/// checked against fp64 first; a wrong result makes the point failed.
void time_trained_layer(const LabTiming& timing, const training::TrainingRun& run,
                        BackendPool& pool, TimingGate& gate, PointResult& result);

}  // namespace hotexpert
