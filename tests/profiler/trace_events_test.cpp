#include "profiler/trace_events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/profiler/fake_kernel.hpp"
#include "tests/profiler/trace_schema.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

PhaseTimes phases_of(const TileTimeline& timeline) {
  PhaseTimes times;
  times.permute_s = 20e-6;
  times.expert_ffn_s = summarise(timeline).span_s;
  times.combine_s = 10e-6;
  times.total_s = *times.permute_s + *times.expert_ffn_s + *times.combine_s;
  return times;
}

std::vector<Json> events(const Json& trace, std::string_view phase, std::string_view category) {
  std::vector<Json> found;
  for (const auto& event : trace.at("traceEvents").as_array()) {
    const auto* cat = event.find("cat");
    if (event.at("ph").as_string() == phase && (cat == nullptr ? "" : cat->as_string()) == category)
      found.push_back(event);
  }
  return found;
}

TEST(TraceEventsTest, WritesTheDocumentedForm) {
  TraceEvents trace;
  trace.slice(1, 2, "b", "tile", 5'000, 6'234);
  trace.slice(1, 2, "a", "tile", 4'000, 7'000);
  trace.name_process(1, "rank 1");
  Json metadata;
  metadata.set("point", 3);
  EXPECT_EQ(trace.to_json(metadata).dump(),
            R"({"traceEvents":[)"
            R"({"ph":"M","name":"process_name","pid":1,"args":{"name":"rank 1"}},)"
            R"({"ph":"X","name":"a","pid":1,"tid":2,"cat":"tile","dur":3,"ts":0},)"
            R"({"ph":"X","name":"b","pid":1,"tid":2,"cat":"tile","dur":1.234,"ts":1}],)"
            R"("displayTimeUnit":"ns","otherData":{"point":3}})");
}

TEST(TraceEventsTest, ALayerPassIsASoundTrace) {
  for (std::uint32_t trial = 0; trial < 50; ++trial) {
    RandomStream stream({.seed = 23}, trial);
    std::vector<std::int64_t> rows(12);
    for (auto& count : rows) count = stream.below(100);
    rows[3] = 400;
    auto grid = grid_of(rows, 4, 32, 2);
    const auto timeline = FakeKernel{grid}.run();
    TraceEvents trace;
    add_layer_pass(trace, 0, {"rank 0"}, {phases_of(timeline), timeline, ""});
    EXPECT_THAT(trace_schema_faults(trace.to_json()), IsEmpty()) << "trial " << trial;
  }
}

TEST(TraceEventsTest, ConservesTimeAndTiles) {
  auto grid = grid_of({70, 3, 0, 40}, 3, 32, 4);
  const auto timeline = FakeKernel{grid}.run();
  TraceEvents trace;
  add_layer_pass(trace, 0, {"rank 0"}, {phases_of(timeline), timeline, ""});
  const auto json = trace.to_json();
  double tiles_us = 0;
  for (const auto& event : events(json, "X", "tile")) tiles_us += event.at("dur").as_double();
  EXPECT_NEAR(tiles_us, 1e6 * summarise(timeline).busy_s, 1e-6);
  EXPECT_EQ(events(json, "X", "tile").size(), (3U + 1U + 2U) * 4U);
  double padding_us = 0;
  for (const auto& event : events(json, "X", "padding")) padding_us += event.at("dur").as_double();
  EXPECT_NEAR(padding_us, 1e6 * summarise(timeline).busy_s * summarise(timeline).padding_share,
              0.1);
}

TEST(TraceEventsTest, CountsBusyWorkersAndEndsAtZero) {
  const auto timeline = FakeKernel{grid_of({64, 64, 64}, 2, 32, 1)}.run();
  TraceEvents trace;
  add_layer_pass(trace, 0, {"rank 0"}, {phases_of(timeline), timeline, ""});
  std::vector<double> values;
  for (const auto& event : events(trace.to_json(), "C", ""))
    values.push_back(event.at("args").at("value").as_double());
  EXPECT_THAT(values, ElementsAre(2, 2, 2, 0));
}

TEST(TraceEventsTest, DrawsAnArrowFromDispatchToCombine) {
  const auto timeline = FakeKernel{grid_of({64}, 1, 32, 1)}.run();
  TraceEvents trace;
  add_layer_pass(trace, 0, {"rank 0"}, {phases_of(timeline), timeline, ""});
  const auto json = trace.to_json();
  const auto start = events(json, "s", "flow");
  const auto finish = events(json, "f", "flow");
  ASSERT_EQ(start.size(), 1U);
  ASSERT_EQ(finish.size(), 1U);
  EXPECT_EQ(start[0].at("id"), finish[0].at("id"));
  EXPECT_LT(start[0].at("ts").as_double(), finish[0].at("ts").as_double());
}

TEST(TraceEventsTest, LanesAreCalledWhatTheyAre) {
  const auto timeline = FakeKernel{grid_of({64}, 2, 32, 1)}.run();
  TraceEvents trace;
  add_layer_pass(trace, 3, {"cuda: H100", "SM"}, {phases_of(timeline), timeline, ""});
  std::vector<std::string> names;
  const auto json = trace.to_json();
  for (const auto& event : json.at("traceEvents").as_array()) {
    if (event.at("ph").as_string() == "M") names.push_back(event.at("args").at("name").as_string());
  }
  EXPECT_THAT(names, ElementsAre("cuda: H100", "phases", "SM 0", "SM 1"));
}

TEST(TraceEventsTest, PhasesFollowEachOtherAndHoldTheMeasuredTime) {
  const auto timeline = FakeKernel{grid_of({70, 3, 0, 40}, 3, 32, 4)}.run();
  const auto times = phases_of(timeline);
  TraceEvents trace;
  add_layer_pass(trace, 0, {"rank 0"}, {times, timeline, ""});
  double sum_us = 0;
  double end_us = -1;
  const auto json = trace.to_json();
  for (const auto& phase : events(json, "X", "phase")) {
    const double begin_us = phase.at("ts").as_double();
    if (end_us >= 0) {
      EXPECT_NEAR(begin_us, end_us, 1e-3);
    }
    end_us = begin_us + phase.at("dur").as_double();
    sum_us += phase.at("dur").as_double();
  }
  EXPECT_NEAR(sum_us, 1e6 * times.total_s, 0.01 * 1e6 * times.total_s);
}

TEST(TraceEventsTest, AbsentPhasesHaveNoSlice) {
  const auto timeline = FakeKernel{grid_of({64}, 1, 32, 1)}.run();
  TraceEvents trace;
  add_layer_pass(trace, 0, {"rank 0"}, {phases_of(timeline), timeline, ""});
  std::set<std::string> names;
  for (const auto& event : events(trace.to_json(), "X", "phase"))
    names.insert(event.at("name").as_string());
  EXPECT_EQ(names, (std::set<std::string>{"permute", "expert", "combine"}));
}

TEST(TraceEventsTest, TheSchemaCheckFindsWhatItShould) {
  TraceEvents crossing;
  crossing.slice(0, 0, "a", "x", 0, 10'000);
  crossing.slice(0, 0, "b", "x", 5'000, 12'000);
  EXPECT_EQ(trace_schema_faults(crossing.to_json()).size(), 1U);
}

}  // namespace
}  // namespace hotexpert
