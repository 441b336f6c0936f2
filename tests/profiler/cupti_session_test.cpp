#include "profiler/cupti_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiler/build_info.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A CUPTI whose every answer the test decides.
struct FakeCupti final : CuptiApi {
  std::string activity_reason;
  std::string counters_reason;
  std::string range_reason;  ///< of the second range
  ActivityBatch batch;       ///< of every pass
  std::vector<CounterValue> values = {{"dram__bytes.sum", 1e9}};
  std::size_t keeps = 64;  ///< ranges that fit the counter buffer
  std::string stop_reason;
  int calls = 0;
  bool counting = false;
  std::vector<std::string> ranges;

  std::string start_activity() override { return ++calls, activity_reason; }
  ActivityBatch stop_activity() override { return batch; }
  std::string start_counters(std::span<const std::string_view> metrics) override {
    EXPECT_EQ(metrics.size(), counter_metrics().size());
    counting = counters_reason.empty();
    return ++calls, counters_reason;
  }
  std::string begin_range(const std::string& name) override {
    EXPECT_TRUE(counting);
    if (ranges.size() == 1 && !range_reason.empty()) return range_reason;
    ranges.push_back(name);
    return "";
  }
  std::string end_range() override { return ""; }
  CounterBatch stop_counters() override {
    counting = false;
    CounterBatch read;
    read.reason = stop_reason;
    for (const auto& name : ranges) {
      if (read.ranges.size() < keeps)
        read.ranges.push_back({name, values});
      else
        ++read.dropped;
    }
    return read;
  }
};

class CuptiSessionTest : public testing::Test {
 protected:
  CuptiSessionTest() {
    auto fake = std::make_unique<FakeCupti>();
    cupti = fake.get();
    cupti->batch.records.assign(9, {"expert_kernel", 100, 200, 0, 7, 1});
    opened.api = std::move(fake);
  }

  ProfiledRun profile(ProfileLevel wanted, std::optional<ExternalProfiler> external = {},
                      int pairs = 1) {
    PhaseTimes times;
    times.total_s = 1;
    const WatchedPass pass{[this, times] { return ++runs, times; }, launches,
                           [this](StageObserver& observer) {
                             EXPECT_TRUE(observer.wants_idle_device());
                             ++staged_runs;
                             for (const auto stage : {RangeName::kRoute, RangeName::kExpert}) {
                               observer.begin(stage);
                               observer.end(stage);
                             }
                           }};
    return profile_run(opened, external, wanted, pass, pairs);
  }

  OpenedCupti opened;
  FakeCupti* cupti;
  std::int64_t launches = 9;
  int runs = 0;
  int staged_runs = 0;
};

TEST_F(CuptiSessionTest, ReachesWhatWasAskedFor) {
  const auto run = profile(ProfileLevel::kCounters);
  EXPECT_EQ(run.reached, ProfileLevel::kCounters);
  EXPECT_EQ(runs, 2) << "one pass with records, one without";
  EXPECT_EQ(staged_runs, 1);
  EXPECT_TRUE(run.conserved());
  EXPECT_TRUE(run.counters_conserved());
  EXPECT_THAT(profile_warnings(run), IsEmpty());
  EXPECT_EQ(
      to_json(run).dump(),
      R"({"wanted":2,"reached":2,"reasons":[],"launches":9,"records":9,"dropped":0,)"
      R"("complete":true,"activity_overhead":{"value":0},)"
      R"("ranges":{"opened":2,"read":2,"dropped":0},)"
      R"("counters":{"route":{"dram__bytes.sum":1e+09},"expert":{"dram__bytes.sum":1e+09}}})");
}

TEST_F(CuptiSessionTest, TheOverheadOfRecordsIsMeasuredInPairs) {
  const auto run = profile(ProfileLevel::kActivity, {}, 8);
  EXPECT_EQ(runs, 16);
  EXPECT_EQ(run.launches, 8 * 9);
  EXPECT_TRUE(run.conserved());
  ASSERT_TRUE(run.activity_overhead.has_value());
  EXPECT_EQ(run.activity_overhead->samples.size(), 8U);
  EXPECT_TRUE(run.activity_overhead->ci95.has_value());
}

TEST_F(CuptiSessionTest, UnknownLaunchesCannotBeComparedWithRecords) {
  launches = -1;
  const auto run = profile(ProfileLevel::kActivity, {}, 2);
  EXPECT_EQ(run.launches, -1);
  EXPECT_TRUE(run.conserved());
  EXPECT_EQ(to_json(run).find("launches"), nullptr);
  cupti->batch.records.clear();
  EXPECT_THAT(profile(ProfileLevel::kActivity).reasons,
              ElementsAre("CUPTI delivered no kernel record."));
}

TEST_F(CuptiSessionTest, LevelZeroTouchesNothing) {
  EXPECT_EQ(profile(ProfileLevel::kEvents).reached, ProfileLevel::kEvents);
  EXPECT_EQ(cupti->calls, 0);
  EXPECT_EQ(runs, 1);
}

TEST_F(CuptiSessionTest, DegradesToActivityWithoutPermission) {
  cupti->counters_reason = "no permission";
  const auto run = profile(ProfileLevel::kCounters);
  EXPECT_EQ(run.reached, ProfileLevel::kActivity);
  EXPECT_EQ(run.activity.records.size(), 9U);
  EXPECT_EQ(staged_runs, 0);
  EXPECT_THAT(profile_warnings(run), ElementsAre("no permission"));
}

TEST_F(CuptiSessionTest, CountersThatFailMidwayAreStoppedAndSaid) {
  cupti->range_reason = "the range was refused";
  const auto run = profile(ProfileLevel::kCounters);
  EXPECT_EQ(run.reached, ProfileLevel::kActivity);
  EXPECT_FALSE(cupti->counting) << "nothing is left running";
  EXPECT_THAT(run.reasons, ElementsAre("the range was refused"));
}

TEST_F(CuptiSessionTest, CountersWithoutValuesAreNoSuccess) {
  cupti->keeps = 0;
  EXPECT_THAT(profile(ProfileLevel::kCounters).reasons,
              ElementsAre("CUPTI delivered no counter values."));
  cupti->ranges.clear();
  cupti->stop_reason = "CUPTI failed when counters were decoded.";
  EXPECT_THAT(profile(ProfileLevel::kCounters).reasons,
              ElementsAre("CUPTI failed when counters were decoded."));
}

TEST_F(CuptiSessionTest, DroppedRangesAreCountedAndSaid) {
  cupti->keeps = 1;
  const auto run = profile(ProfileLevel::kCounters);
  EXPECT_TRUE(run.counters_conserved());
  EXPECT_FALSE(to_json(run).at("complete").as_bool());
  EXPECT_THAT(profile_warnings(run),
              ElementsAre(HasSubstr("2 stages ran under counters, but 1 were read and 1 were")));
}

TEST_F(CuptiSessionTest, DegradesToEventsAndStillRuns) {
  cupti->activity_reason = "no device";
  const auto run = profile(ProfileLevel::kCounters);
  EXPECT_EQ(run.reached, ProfileLevel::kEvents);
  EXPECT_THAT(run.reasons, ElementsAre("no device"));
  EXPECT_EQ(runs, 1);
}

TEST_F(CuptiSessionTest, StaysOffWhenAnotherToolWatches) {
  const auto run = profile(ProfileLevel::kActivity, ExternalProfiler::kNsightSystems);
  EXPECT_EQ(run.reached, ProfileLevel::kEvents);
  EXPECT_THAT(run.reasons, ElementsAre(HasSubstr("nsys already watches")));
  EXPECT_EQ(cupti->calls, 0);
}

TEST_F(CuptiSessionTest, SaysWhyThereIsNoCupti) {
  opened.api.reset();
  opened.reason = "libcupti is not here.";
  EXPECT_THAT(profile(ProfileLevel::kActivity).reasons, ElementsAre("libcupti is not here."));
}

TEST_F(CuptiSessionTest, AnEmptyProfileIsNoSuccess) {
  cupti->batch.records.clear();
  const auto run = profile(ProfileLevel::kActivity);
  EXPECT_EQ(run.reached, ProfileLevel::kEvents);
  EXPECT_THAT(run.reasons, ElementsAre("CUPTI delivered none of 9 kernel records."));
}

TEST_F(CuptiSessionTest, LostRecordsAreSaidAndCounted) {
  cupti->batch.records.resize(6);
  cupti->batch.dropped = 3;
  const auto dropped = profile(ProfileLevel::kActivity);
  EXPECT_TRUE(dropped.conserved());
  EXPECT_FALSE(to_json(dropped).at("complete").as_bool());
  EXPECT_THAT(profile_warnings(dropped), ElementsAre(HasSubstr("3 of 9 kernel records were lost")));

  cupti->batch.dropped = 1;
  const auto lost = profile(ProfileLevel::kActivity);
  EXPECT_FALSE(lost.conserved());
  EXPECT_THAT(
      profile_warnings(lost),
      ElementsAre(HasSubstr("1 of 9"), HasSubstr("9 kernels were launched, but 6 records")));
}

TEST(ExternalProfilerTest, IsKnownByItsLibraries) {
  EXPECT_EQ(external_profiler_in("7f0 r-xp /opt/nsys/libToolsInjection64.so"),
            ExternalProfiler::kNsightSystems);
  EXPECT_EQ(external_profiler_in("/x/libcuda-injection.so"), ExternalProfiler::kNsightCompute);
  EXPECT_EQ(external_profiler_in("/x/libsanitizer-collection.so"),
            ExternalProfiler::kComputeSanitizer);
  EXPECT_EQ(external_profiler_in("/usr/lib/libc.so.6"), std::nullopt);
  EXPECT_EQ(external_profiler(), std::nullopt);
}

/// check_metrics(), or the reason why this build cannot ask.
MetricCheck check_here(const char* chip, const std::vector<std::string_view>& metrics) {
  if (build_info().flags.find("-fsanitize") != std::string_view::npos)
    return {"CUPTI opens libnvperf_host with RTLD_DEEPBIND, which sanitizers refuse.", false, 0};
  return check_metrics(chip, metrics);
}

class CounterMetricsTest : public testing::TestWithParam<const char*> {};

TEST_P(CounterMetricsTest, ExistAndNeedOnePass) {
  std::vector<std::string_view> metrics;
  for (const auto& row : counter_metrics()) metrics.push_back(row.metric);
  const auto check = check_here(GetParam(), metrics);
  if (!check.checked) GTEST_SKIP() << check.reason;
  EXPECT_EQ(check.reason, "");
  EXPECT_EQ(check.passes, 1);
}

INSTANTIATE_TEST_SUITE_P(Chips, CounterMetricsTest, testing::Values("GH100", "GA100"));

TEST(CounterMetricsTest, AnInventedMetricIsNamed) {
  const std::vector<std::string_view> metrics = {"dram__bytes.sum", "sm__invented.sum"};
  const auto check = check_here("GH100", metrics);
  if (!check.checked) GTEST_SKIP() << check.reason;
  EXPECT_EQ(check.reason, "GH100 has no metric 'sm__invented.sum'.");
}

TEST(CuptiLibraryTest, WithoutADeviceTheReasonIsASentence) {
  const auto opened = open_cupti();
  if (opened.api == nullptr) {
    EXPECT_THAT(opened.reason, HasSubstr("."));
    return;
  }
  // Never a crash: either it starts (a device is here) or it says why not.
  const auto reason = opened.api->start_activity();
  if (reason.empty()) {
    opened.api->stop_activity();
  } else {
    EXPECT_THAT(reason, HasSubstr("CUPTI cannot record kernels here"));
  }
}

TEST(CuptiLibraryTest, CountersWithoutADeviceAreRefusedInASentence) {
  const auto opened = open_cupti();
  if (opened.api == nullptr) GTEST_SKIP() << opened.reason;
  const std::vector<std::string_view> metrics = {"dram__bytes.sum"};
  const auto reason = opened.api->start_counters(metrics);
  if (reason.empty()) {
    opened.api->stop_counters();
    GTEST_SKIP() << "a CUDA context is current on this thread";
  }
  EXPECT_THAT(reason, testing::EndsWith("Counters need one."));
}

}  // namespace
}  // namespace hotexpert
