#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/section.hpp"
#include "tests/reports/fake_quickstart.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> said_of(const std::vector<PointResult>& points) {
  hotexpert::Run run;
  run.manifest = test_support::small_manifest();
  run.points = points;
  std::vector<hotexpert::Run> runs;
  runs.push_back(std::move(run));
  std::vector<std::string> texts;
  for (const auto& finding : findings(make_comparison(std::move(runs))))
    texts.push_back(finding.text);
  return texts;
}

std::vector<std::string> said_of_folder(void (*write)(const std::string&)) {
  const test_support::TemporaryFolder folder;
  write(folder.path("run"));
  return said_of(read_run(folder.path("run")).points);
}

PointResult timed(double skew, const std::string& kernel, double seconds, double relative_width) {
  auto point = test_support::small_point(skew, kernel);
  point.measurements[1].value = seconds;
  point.measurements[1].ci95 =
      Interval{seconds * (1 - relative_width), seconds * (1 + relative_width)};
  return point;
}

TEST(FindingsTest, QuickstartSaysWhatEachKernelPaysForSkew) {
  const auto said =
      said_of_folder([](const std::string& dir) { test_support::write_quickstart_run(dir); });
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("With `padded` the layer time grows 3.7"),
                                   HasSubstr("as max/mean load goes from 1 to 4"))));
  EXPECT_THAT(said, Contains(HasSubstr("With `grouped` the layer time stays nearly flat: 1.0")));
  EXPECT_THAT(said,
              Contains(AllOf(HasSubstr("`grouped` is fastest"), HasSubstr("`padded` takes 3."))));
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("At capacity factor 1.25"), HasSubstr("34.4 %"),
                                   HasSubstr("a perfectly uniform router would drop"))));
  EXPECT_THAT(said, Contains(HasSubstr("expert 5 of 8 takes 50 % of all assignments")));
  EXPECT_THAT(said, Contains(HasSubstr("1 of 76 points skipped")));
}

TEST(FindingsTest, RecordedAndShuffledOrderAreComparedForEachStepSize) {
  const auto said = said_of_folder(test_support::write_recorded_run);
  EXPECT_THAT(said, Contains(HasSubstr("in steps of 256 tokens")));
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("in steps of 4096 tokens"), HasSubstr("(5.84x)"))));
}

TEST(FindingsTest, WideIntervalsAreNotCalledGrowthOrFlat) {
  const auto said = said_of({timed(1, "padded", 0.010, 0.3), timed(4, "padded", 0.011, 0.3)});
  EXPECT_THAT(said, Not(Contains(HasSubstr("as max/mean load goes"))));
}

TEST(FindingsTest, NarrowIntervalsAround1AreCalledFlat) {
  const auto said = said_of({timed(1, "padded", 0.010, 0.01), timed(4, "padded", 0.01002, 0.01)});
  EXPECT_THAT(said, Contains(HasSubstr("stays flat: 1.00x (0.99 to 1.02)")));
}

TEST(FindingsTest, AFallIsCalledAFall) {
  const auto said = said_of({timed(1, "padded", 0.010, 0.01), timed(4, "padded", 0.005, 0.01)});
  EXPECT_THAT(said, Contains(HasSubstr("falls to 0.50x (0.49 to 0.51)")));
}

TEST(FindingsTest, NoKernelIsCalledFastestWhenIntervalsOverlap) {
  const auto said = said_of({timed(1, "padded", 0.010, 0.1), timed(4, "padded", 0.040, 0.1),
                             timed(1, "grouped", 0.010, 0.1), timed(4, "grouped", 0.038, 0.1)});
  EXPECT_THAT(said, Not(Contains(HasSubstr("fastest"))));
}

TEST(FindingsTest, ValuesWithoutIntervalsSupportNoStatementAboutTime) {
  auto low = test_support::small_point(1, "padded");
  auto high = test_support::small_point(4, "padded");
  low.measurements[1].ci95.reset();
  high.measurements[1].ci95.reset();
  EXPECT_THAT(said_of({low, high}), Not(Contains(HasSubstr("layer time"))));
}

/// A point of one pass of the layer; taxes only where the pass has gradients.
PointResult of_pass(double skew, const std::string& pass, double seconds, double wgrad_tax) {
  auto point = timed(skew, "grouped", seconds, 0.01);
  point.point.emplace_back("layer.pass", Json(pass));
  if (pass == "forward") return point;
  const auto add = [&](const char* metric, double tax) {
    Measurement measurement{metric, tax, Provenance::kMeasured};
    measurement.ci95 = Interval{tax - 0.02, tax + 0.02};
    point.measurements.push_back(std::move(measurement));
  };
  add("layer.forward_tax", 0.001);
  add("layer.wgrad_tax", wgrad_tax);
  return point;
}

TEST(FindingsTest, SaysWhichPassPaysForSkew) {
  const auto said = said_of({of_pass(1, "training", 0.03, 0), of_pass(8, "training", 0.04, 0.27)});
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("What skew costs each pass at max/mean load 8"),
                                   HasSubstr("8: forward no cost, wgrad +27 % (25 to 29"))));
}

TEST(FindingsTest, PassesOfTheLayerAreNotMixed) {
  // A backward pass takes longer than a forward one, whatever the skew.
  const auto said = said_of({of_pass(1, "forward", 0.010, 0), of_pass(4, "forward", 0.01002, 0),
                             of_pass(1, "backward", 0.020, 0), of_pass(8, "backward", 0.030, 0.3)});
  EXPECT_THAT(said, Contains(HasSubstr("stays flat: 1.00x")));
  EXPECT_THAT(said, Not(Contains(HasSubstr("grows"))));
  EXPECT_THAT(said, Contains(HasSubstr("wgrad +30 %")));
}

TEST(FindingsTest, EveryFindingNamesAChartOfThePage) {
  const test_support::TemporaryFolder folder;
  test_support::write_quickstart_run(folder.path("run"));
  std::vector<hotexpert::Run> runs;
  runs.push_back(read_run(folder.path("run")));
  for (const auto& finding : findings(make_comparison(std::move(runs)))) {
    const bool known =
        finding.chart == "points" ||
        std::any_of(report_sections().begin(), report_sections().end(),
                    [&](const auto* section) { return section->id == finding.chart; });
    EXPECT_TRUE(known) << finding.chart;
    EXPECT_FALSE(finding.figure.empty()) << finding.text;
  }
}

}  // namespace
}  // namespace hotexpert
