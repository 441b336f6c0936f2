#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "profiler/cupti_api.hpp"
#include "profiler/external_profiler.hpp"
#include "profiler/measure.hpp"
#include "profiler/stage_observer.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// How closely a run is watched. Each level includes the ones before it.
enum class ProfileLevel : std::uint8_t {
  kEvents = 0,    ///< our own timing only
  kActivity = 1,  ///< a record a kernel; needs no privilege
  kCounters = 2,  ///< hardware counters of each stage; needs permission
};

/// A pass that a session runs and watches.
struct WatchedPass {
  std::function<PhaseTimes()> run;
  std::int64_t launches = 0;                       ///< kernels that run() launches
  std::function<void(StageObserver&)> run_staged;  ///< the same, launch by launch
};

/// What watching a pass gave.
struct ProfiledRun {
  ProfileLevel wanted = ProfileLevel::kEvents;
  ProfileLevel reached = ProfileLevel::kEvents;
  std::vector<std::string> reasons;  ///< whole sentences on why a level was not reached
  std::int64_t launches = 0;         ///< kernels that ran under activity records; negative: unknown
  ActivityBatch activity;
  std::optional<PairedRatio> activity_overhead;  ///< watched / unwatched pass - 1
  std::int64_t ranges = 0;                       ///< stages that ran under counters
  CounterBatch counters;

  /// launches = records + dropped, where launches are known; ranges = ranges read + dropped. A run
  /// that lost or invented any is incomplete.
  [[nodiscard]] bool conserved() const;
  [[nodiscard]] bool counters_conserved() const;
};

/// Watches a pass as closely as asked for and possible. Records: `pairs` passes with and as many
/// without, next to each other, in turns first. Counters: one pass, stage by stage. Where only
/// kEvents is reached the pass runs once.
/// @param opened open_cupti(), or a fake
/// @param external a tool that already watches the process: then nothing of CUPTI is touched
/// @param pairs at least 1; 6 for an interval of the overhead
ProfiledRun profile_run(const OpenedCupti& opened, std::optional<ExternalProfiler> external,
                        ProfileLevel wanted, const WatchedPass& pass, int pairs);

/// For the result: {"wanted":2,"reached":1,"reasons":[…],"launches":9,"records":8,"dropped":1,
/// "complete":true,"activity_overhead":{…},"ranges":{"opened":4,"read":4,"dropped":0},
/// "counters":{"expert":{metric:value,…},…}}. `complete` is conserved() with nothing dropped.
Json to_json(const ProfiledRun& run);

/// What must be said on the face of a profile: lost records, unreached levels. Empty when all is
/// well.
std::vector<std::string> profile_warnings(const ProfiledRun& run);

}  // namespace hotexpert
