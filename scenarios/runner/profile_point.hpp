#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "profiler/cupti_session.hpp"
#include "profiler/layer_profile.hpp"
#include "profiler/ledger_doubts.hpp"
#include "profiler/nsight_counters.hpp"
#include "profiler/rank_ledger.hpp"
#include "scenarios/runner/scenario.hpp"
#include "scenarios/runner/timed.hpp"
#include "sim/core/point_result.hpp"
#include "sim/model/device_description.hpp"

namespace hotexpert {

struct ProfileOptions {
  int steps = 10;     ///< traced passes of each arm, >= 6
  bool once = false;  ///< for an external profiler: one warm-up, one captured pass, nothing else
  ProfileLevel level = ProfileLevel::kActivity;  ///< wanted of our own CUPTI, where kernels launch
  int threads = 0;                               ///< for counting; 0 = all
  /// Called once the point is planned, its kernel accepted and checked, and before the passes: the
  /// moment to open what they are written to. Not called with --profile-once.
  std::function<void()> before_passes = [] {};
};

/// A cause of the ledger, removed and run again; or why it cannot be.
struct Rerun {
  LedgerCause cause = LedgerCause::kUnexplained;
  int index = -1;
  std::string change;  ///< what was changed: "expert 7 split into 4 copies"
  bool ran = false;
  Counterfactual verdict;  ///< when it ran
  std::string reason;      ///< when it did not, in one sentence
};

/// What `hotexpert profile` found out about one point.
struct PointProfile {
  std::string kernel;
  std::string backend;
  std::string device;
  int steps = 0;                          ///< captured passes of the measured plan
  std::vector<std::int64_t> expert_rows;  ///< [P] rows of each physical expert, as planned
  double expert_flops = 0;                ///< of all rows, shared experts included
  DataType dtype = DataType::kFp32;
  bool profiled = false;  ///< false after --profile-once: what follows is empty
  TracedPass shown;       ///< of several ranks: the straggler's
  RankedPass ranks;       ///< the shown step of several ranks; empty for one
  LayerProfile layer;
  std::vector<LedgerDoubt> doubts;               ///< why `layer` must be read with care
  RangeName slowest_stage = RangeName::kExpert;  ///< by median time
  std::vector<Rerun> reruns;
  ProfiledRun cupti;
  std::vector<std::string> remarks;  ///< whole sentences: levels not reached, what to mistrust
  PointResult result;                ///< counted metrics, and those of profile_metrics()
};

/// Profiles the point of `choice`.
/// @throws UsageError when its kernel cannot run the shape, DeviceError when its backend is not
/// here, InputError for a bad trace, Error with exit code 1 when the kernel's output is wrong
PointProfile profile_point(const AxisChoice& choice, const ProfileOptions& options);

/// The point's measured batch as planned: all but the backend.
struct PlannedBatch {
  std::vector<std::int64_t> expert_rows;  ///< [P]
  double expert_flops = 0;                ///< of all rows, shared experts included
  DataType dtype = DataType::kFp32;
  PointResult result;  ///< counted metrics
};
PlannedBatch planned_batch(const AxisChoice& choice, int threads);

/// The ledger's largest causes, each removed and run against the measured plan, interleaved:
/// - an expert that others wait for: split into copies;
/// - padding up to capacity: the `grouped` kernel of the family instead of the `padded`;
/// - launch and host gaps: one CUDA graph instead of launches, for the control too.
/// A cause that nothing removes alone, or not on this backend, is listed with the reason.
std::vector<Rerun> rerun_without_causes(const PointSpec& spec, LayerBackend& backend,
                                        PreparedLayer& layer, const ProfileArms& arms,
                                        const DispatchPlan& plan, const DispatchPlan& control_plan,
                                        const LayerProfile& profile);

/// Adds what hardware counters say of the expert kernels: counter.*, kernel.flops_per_s of the
/// planned rows.
void counter_metrics(const ExpertCounters& counters, double expert_flops, PointResult& result);

/// Adds the peaks of a device: roof.*.
void roof_metrics(const DeviceDescription& device, DataType dtype, PointResult& result);

/// Adds the profile to a result: ledger.*_s by cause, profile.*, counter.* where counters were
/// read, and the series that reports draw.
void profile_metrics(const PointProfile& profile, PointResult& result);

}  // namespace hotexpert
