#include "profiler/cupti_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

/// @return the reason why the pass was not recorded; "" when it was
std::string run_recorded(CuptiApi& api, const WatchedPass& pass, ProfiledRun& result,
                         ArmSamples& watched) {
  if (auto reason = api.start_activity(); !reason.empty()) return reason;
  watched.samples.push_back(pass.run());
  auto batch = api.stop_activity();
  result.launches = pass.launches < 0 ? -1 : result.launches + pass.launches;
  result.activity.dropped += batch.dropped;
  for (auto& record : batch.records) result.activity.records.push_back(std::move(record));
  return "";
}

/// @return the reason why there are no records; "" on success
std::string collect_activity(CuptiApi& api, const WatchedPass& pass, int pairs,
                             ProfiledRun& result) {
  ArmSamples watched{"watched", {}, {}};
  ArmSamples unwatched{"unwatched", {}, {}};
  for (int pair = 0; pair < pairs; ++pair) {
    const bool unwatched_first = pair % 2 == 1;  // the very first pass tells whether CUPTI works
    if (unwatched_first) unwatched.samples.push_back(pass.run());
    if (auto reason = run_recorded(api, pass, result, watched); !reason.empty()) return reason;
    if (!unwatched_first) unwatched.samples.push_back(pass.run());
  }
  if (result.launches != 0 && result.activity.records.empty())
    return result.launches < 0
               ? "CUPTI delivered no kernel record."
               : fmt::format("CUPTI delivered none of {} kernel records.", result.launches);
  result.activity_overhead = paired_ratio(watched, unwatched);
  return "";
}

/// Opens a range of counters for every stage, until one fails.
class CountStages final : public StageObserver {
 public:
  explicit CountStages(CuptiApi& api) : api_(api) {}
  void begin(RangeName stage) override {
    if (!reason_.empty()) return;
    reason_ = api_.begin_range(std::string(name(stage)));
    if (reason_.empty()) ++opened_;
  }
  void end(RangeName /*stage*/) override {
    if (reason_.empty()) reason_ = api_.end_range();
  }
  [[nodiscard]] bool wants_idle_device() const override { return true; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] std::int64_t opened() const { return opened_; }

 private:
  CuptiApi& api_;
  std::string reason_;
  std::int64_t opened_ = 0;
};

std::string collect_counters(CuptiApi& api, const WatchedPass& pass, int /*pairs*/,
                             ProfiledRun& result) {
  std::vector<std::string_view> metrics;
  for (const auto& row : counter_metrics()) metrics.push_back(row.metric);
  if (auto reason = api.start_counters(metrics); !reason.empty()) return reason;
  CountStages stages(api);
  pass.run_staged(stages);
  result.counters = api.stop_counters();
  result.ranges = stages.opened();
  if (!stages.reason().empty()) return stages.reason();
  if (!result.counters.reason.empty()) return result.counters.reason;
  return result.counters.ranges.empty() ? "CUPTI delivered no counter values." : "";
}

}  // namespace

bool ProfiledRun::conserved() const {
  return launches < 0 ||
         launches == static_cast<std::int64_t>(activity.records.size()) + activity.dropped;
}

bool ProfiledRun::counters_conserved() const {
  return ranges == static_cast<std::int64_t>(counters.ranges.size()) + counters.dropped;
}

ProfiledRun profile_run(const OpenedCupti& opened, std::optional<ExternalProfiler> external,
                        ProfileLevel wanted, const WatchedPass& pass, int pairs) {
  ProfiledRun result;
  result.wanted = wanted;
  using Collect = std::string (*)(CuptiApi&, const WatchedPass&, int, ProfiledRun&);
  constexpr std::pair<ProfileLevel, Collect> kLevels[] = {
      {ProfileLevel::kActivity, collect_activity}, {ProfileLevel::kCounters, collect_counters}};
  for (const auto& [level, collect] : kLevels) {
    if (wanted < level) break;
    auto reason = obstacle(opened, external);
    if (reason.empty()) reason = collect(*opened.api, pass, pairs, result);
    if (!reason.empty()) {
      result.reasons.push_back(std::move(reason));
      break;
    }
    result.reached = level;
  }
  if (result.reached == ProfileLevel::kEvents && result.launches == 0) pass.run();
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
  if (run.reached >= ProfileLevel::kCounters &&
      (run.counters.dropped > 0 || !run.counters_conserved()))
    warnings.push_back(
        fmt::format("{} stages ran under counters, but {} were read and {} were dropped: the "
                    "counters are incomplete.",
                    run.ranges, run.counters.ranges.size(), run.counters.dropped));
  return warnings;
}

Json to_json(const ProfiledRun& run) {
  Json counters = Json::object();
  for (const auto& range : run.counters.ranges) {
    Json values = Json::object();
    for (const auto& counter : range.values) values.set(counter.metric, counter.value);
    counters.set(range.range, std::move(values));
  }
  Json ranges;
  ranges.set("opened", run.ranges)
      .set("read", static_cast<std::int64_t>(run.counters.ranges.size()))
      .set("dropped", run.counters.dropped);
  Json json;
  json.set("wanted", static_cast<int>(run.wanted));
  json.set("reached", static_cast<int>(run.reached));
  json.set("reasons", Json::array_of(run.reasons));
  if (run.launches >= 0) json.set("launches", run.launches);
  json.set("records", static_cast<std::int64_t>(run.activity.records.size()));
  json.set("dropped", run.activity.dropped);
  json.set("complete", run.conserved() && run.activity.dropped == 0 && run.counters_conserved() &&
                           run.counters.dropped == 0);
  if (const auto& overhead = run.activity_overhead) {
    Json value = Json::object().set("value", overhead->value);
    if (overhead->ci95)
      value.set("ci95", Json::array().push(overhead->ci95->low).push(overhead->ci95->high));
    json.set("activity_overhead", std::move(value));
  }
  json.set("ranges", std::move(ranges));
  json.set("counters", std::move(counters));
  return json;
}

}  // namespace hotexpert
