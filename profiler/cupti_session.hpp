#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "profiler/cupti_api.hpp"
#include "profiler/external_profiler.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// How closely a run is watched. Each level includes the ones before it.
enum class ProfileLevel : std::uint8_t {
  kEvents = 0,    ///< our own timing only
  kActivity = 1,  ///< a record a kernel; needs no privilege
  kCounters = 2,  ///< hardware counters; needs permission
};

/// What watching a run gave.
struct ProfiledRun {
  ProfileLevel wanted = ProfileLevel::kEvents;
  ProfileLevel reached = ProfileLevel::kEvents;
  std::vector<std::string> reasons;  ///< whole sentences on why a level was not reached
  std::int64_t launches = 0;         ///< kernels the run says it launched, under activity records;
                                     ///< negative: it does not know
  ActivityBatch activity;
  std::vector<CounterValue> counters;

  /// launches = records + dropped, where launches are known. A run that lost or invented records is
  /// incomplete.
  [[nodiscard]] bool conserved() const;
};

/// Watches a run as closely as asked for and possible. The run is called once for each level
/// reached above kEvents (activity and counters disturb each other), or once when only kEvents is
/// reached.
/// @param opened open_cupti(), or a fake
/// @param external a tool that already watches the process: then nothing of CUPTI is touched
/// @param run one pass; returns how many kernels it launched
ProfiledRun profile_run(const OpenedCupti& opened, std::optional<ExternalProfiler> external,
                        ProfileLevel wanted, const std::function<std::int64_t()>& run);

/// For the result: {"wanted":2,"reached":1,"reasons":[…],"launches":9,"records":8,"dropped":1,
/// "complete":true,"counters":{…}}. `complete` is conserved() with nothing dropped.
Json to_json(const ProfiledRun& run);

/// What must be said on the face of a profile: lost records, unreached levels. Empty when all is
/// well.
std::vector<std::string> profile_warnings(const ProfiledRun& run);

}  // namespace hotexpert
