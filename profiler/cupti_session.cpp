#include "profiler/cupti_session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hotexpert {
namespace {

/// Why CUPTI cannot be used at all; "" when it can.
std::string obstacle(const OpenedCupti& opened, std::optional<ExternalProfiler> external) {
  if (external)
    return fmt::format(
        "{} already watches this process and CUPTI serves one tool only: use its "
        "report, or run without it.",
        name(*external));
  return opened.api == nullptr ? opened.reason : "";
}

/// @return the reason why there are no records; "" on success
std::string collect_activity(CuptiApi& api, const std::function<std::int64_t()>& run,
                             ProfiledRun& result) {
  auto reason = api.start_activity();
  if (!reason.empty()) return reason;
  result.launches = run();
  result.activity = api.stop_activity();
  if (result.launches > 0 && result.activity.records.empty())
    return fmt::format("CUPTI delivered none of {} kernel records.", result.launches);
  return "";
}

std::string collect_counters(CuptiApi& api, const std::function<std::int64_t()>& run,
                             ProfiledRun& result) {
  std::vector<std::string_view> metrics;
  for (const auto& row : counter_metrics()) metrics.push_back(row.metric);
  auto reason = api.start_counters(metrics);
  if (!reason.empty()) return reason;
  run();
  result.counters = api.stop_counters();
  return result.counters.empty() ? "CUPTI delivered no counter values." : "";
}

}  // namespace

bool ProfiledRun::conserved() const {
  return launches < 0 ||
         launches == static_cast<std::int64_t>(activity.records.size()) + activity.dropped;
}

ProfiledRun profile_run(const OpenedCupti& opened, std::optional<ExternalProfiler> external,
                        ProfileLevel wanted, const std::function<std::int64_t()>& run) {
  ProfiledRun result;
  result.wanted = wanted;
  using Collect = std::string (*)(CuptiApi&, const std::function<std::int64_t()>&, ProfiledRun&);
  constexpr std::pair<ProfileLevel, Collect> kLevels[] = {
      {ProfileLevel::kActivity, collect_activity}, {ProfileLevel::kCounters, collect_counters}};
  for (const auto& [level, collect] : kLevels) {
    if (wanted < level) break;
    auto reason = obstacle(opened, external);
    if (reason.empty()) reason = collect(*opened.api, run, result);
    if (!reason.empty()) {
      result.reasons.push_back(std::move(reason));
      break;
    }
    result.reached = level;
  }
  if (result.reached == ProfileLevel::kEvents && result.launches == 0) run();
  return result;
}

std::vector<std::string> profile_warnings(const ProfiledRun& run) {
  auto warnings = run.reasons;
  if (run.activity.dropped > 0) {
    const auto seen = static_cast<std::int64_t>(run.activity.records.size()) + run.activity.dropped;
    warnings.push_back(
        fmt::format("{} of {} kernel records were lost for want of buffers: shares "
                    "and gaps are too small or too large. Profile fewer steps.",
                    run.activity.dropped, std::max(run.launches, seen)));
  }
  if (run.reached >= ProfileLevel::kActivity && !run.conserved())
    warnings.push_back(
        fmt::format("{} kernels were launched, but {} records came and {} were "
                    "dropped: this profile is incomplete.",
                    run.launches, run.activity.records.size(), run.activity.dropped));
  return warnings;
}

Json to_json(const ProfiledRun& run) {
  Json counters = Json::object();
  for (const auto& counter : run.counters) counters.set(counter.metric, counter.value);
  Json json;
  json.set("wanted", static_cast<int>(run.wanted));
  json.set("reached", static_cast<int>(run.reached));
  json.set("reasons", Json::array_of(run.reasons));
  if (run.launches >= 0) json.set("launches", run.launches);
  json.set("records", static_cast<std::int64_t>(run.activity.records.size()));
  json.set("dropped", run.activity.dropped);
  json.set("complete", run.conserved() && run.activity.dropped == 0);
  json.set("counters", std::move(counters));
  return json;
}

}  // namespace hotexpert
