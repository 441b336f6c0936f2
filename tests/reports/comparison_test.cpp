#include "reports/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/number_format.hpp"
#include "reports/ratio.hpp"
#include "reports/view.hpp"
#include "sim/base/errors.hpp"
#include "tests/reports/fake_lab.hpp"
#include "tests/reports/fake_quickstart.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Comparison quickstart(int copies = 1) {
  const test_support::TemporaryFolder folder;
  test_support::write_quickstart_run(folder.path("run"));
  std::vector<hotexpert::Run> runs;
  for (int i = 0; i < copies; ++i) runs.push_back(read_run(folder.path("run")));
  return make_comparison(std::move(runs));
}

std::vector<std::string> names(const std::vector<ComparedAxis>& axes) {
  std::vector<std::string> out;
  for (const auto& axis : axes) out.push_back(axis.name);
  return out;
}

TEST(ComparisonTest, AxesWithOneValueAreFixedAndTheOthersVary) {
  const auto comparison = quickstart();
  EXPECT_THAT(names(comparison.axes), ElementsAre("skew.target", "kernel", "capacity.factor"));
  ASSERT_FALSE(comparison.fixed.empty());
  EXPECT_EQ(comparison.fixed[0].name, "step.tokens");
  EXPECT_THAT(comparison.fixed,
              ::testing::Contains(::testing::Field(&FixedAxis::name, "layer.experts")));
}

TEST(ComparisonTest, ValuesAreInTheOrderPeopleExpect) {
  const auto comparison = quickstart();
  std::vector<std::string> factors;
  for (const auto& value : comparison.axes[2].values) factors.push_back(display(value));
  EXPECT_THAT(factors, ElementsAre("1", "1.25", "1.5", "2", "none"));
  EXPECT_EQ(display(comparison.axes[0].values[1]), "max_over_mean=1.5");
  EXPECT_EQ(display(comparison.axes[1].values[0]), "padded") << "words keep their order";
}

TEST(ComparisonTest, SeveralRunsAreToldApartByAnAxis) {
  const auto comparison = quickstart(2);
  EXPECT_EQ(comparison.axes[0].name, "run");
  EXPECT_EQ(comparison.axes[0].values.size(), 2U);
  EXPECT_EQ(comparison.points.size(), 152U);
  EXPECT_NE(comparison.runs[0].name, comparison.runs[1].name);
}

/// Each kind of run has axes that the other lacks: beside each other they still do not vary.
TEST(ComparisonTest, ASweepBesideALabVariesOnlyAlongWhatVariesInEither) {
  const test_support::TemporaryFolder folder;
  test_support::write_quickstart_run(folder.path("run"));
  test_support::write_lab_run(folder.path("lab"));
  const auto varying = [](const std::vector<std::string>& dirs) {
    std::vector<hotexpert::Run> runs;
    for (const auto& dir : dirs) runs.push_back(read_run(dir));
    return names(make_comparison(std::move(runs)).axes);
  };
  std::vector<std::string> expected = {"run"};
  for (const char* alone : {"run", "lab"}) {
    for (const auto& axis : varying({folder.path(alone)})) expected.push_back(axis);
  }
  EXPECT_THAT(varying({folder.path("run"), folder.path("lab")}),
              ::testing::UnorderedElementsAreArray(expected));
}

TEST(ComparisonTest, MetricsUnknownToTheCatalogueAreKeptUnderTheirName) {
  const test_support::TemporaryFolder folder;
  {
    auto writer = RunWriter::create(folder.path("run"), test_support::small_manifest());
    auto point = test_support::small_point(1, "padded");
    point.measurements.push_back({"later.metric", 3, Provenance::kCounted, {}, {}, {}});
    writer.append(point);
  }
  std::vector<hotexpert::Run> runs;
  runs.push_back(read_run(folder.path("run")));
  const auto comparison = make_comparison(std::move(runs));
  ASSERT_NE(comparison.metric("later.metric"), nullptr);
  EXPECT_EQ(comparison.metric("later.metric")->label, "later.metric");
  EXPECT_EQ(comparison.metrics.back().name, "later.metric") << "after the catalogue's";
}

TEST(ComparisonTest, ARunResumedOnAnotherMachineIsWarnedOf) {
  const test_support::TemporaryFolder folder;
  { auto writer = RunWriter::create(folder.path("run"), test_support::small_manifest()); }
  Json elsewhere = test_support::small_manifest();
  Json environment;
  elsewhere.set("environment", environment.set("cpu", "Another CPU"));
  { auto writer = RunWriter::resume(folder.path("run"), elsewhere); }
  std::vector<hotexpert::Run> runs;
  runs.push_back(read_run(folder.path("run")));
  EXPECT_THAT(make_comparison(std::move(runs)).warnings,
              ElementsAre(HasSubstr("another environment")));
}

TEST(ComparisonTest, NoRunIsAUsageError) { EXPECT_THROW(make_comparison({}), UsageError); }

TEST(ViewTest, AxesThatAreNeitherXNorLinesHaveOneValue) {
  const auto comparison = quickstart();
  const View view = make_view(
      comparison, {"load.max_over_mean", {"skew."}, {"kernel"}, {"layer.total_s"}, {}, {}});
  EXPECT_EQ(focus_text(comparison, view), "capacity.factor none");
  ASSERT_EQ(view.lines.size(), 3U);
  for (const auto& line : view.lines) {
    ASSERT_EQ(line.points.size(), 5U);
    for (std::size_t i = 1; i < line.points.size(); ++i)
      EXPECT_LT(x_of(comparison.points[line.points[i - 1]], "load.max_over_mean"),
                x_of(comparison.points[line.points[i]], "load.max_over_mean"));
  }
  EXPECT_EQ(view.eligible.size(), 75U) << "the skipped point has no time";
}

TEST(RatioTest, IntervalsJoinAsIndependentErrorsOfTheLogarithm) {
  const Measurement a{"m", 2, Provenance::kMeasured, {}, Interval{2 / 1.1, 2 * 1.1}, {}};
  const Measurement b{"m", 1, Provenance::kMeasured, {}, Interval{1 / 1.2, 1.2}, {}};
  const Ratio ratio = ratio_of(a, b);
  EXPECT_DOUBLE_EQ(ratio.value, 2);
  const double width = std::exp(std::hypot(std::log(1.1), std::log(1.2)));
  EXPECT_NEAR(ratio.ci95->low, 2 / width, 1e-12);
  EXPECT_NEAR(ratio.ci95->high, 2 * width, 1e-12);
}

TEST(RatioTest, WithoutAnIntervalNothingIsAboveOrBelow) {
  const Measurement a{"m", 2, Provenance::kMeasured, {}, {}, {}};
  const Ratio ratio = ratio_of(a, a);
  EXPECT_FALSE(ratio.above(0.1));
  EXPECT_FALSE(ratio.below(10));
}

TEST(NumberFormatTest, NumbersAreShownInTheUnitThatFits) {
  EXPECT_EQ(with_unit(0.0123, "s"), "12.3 ms");
  EXPECT_EQ(with_unit(1.5, "s"), "1.50 s");
  EXPECT_EQ(with_unit(2e-7, "s"), "200 ns");
  EXPECT_EQ(with_unit(0.034, "fraction"), "3.40 %");
  EXPECT_EQ(with_unit(1.5 * 1024 * 1024, "bytes"), "1.50 MiB");
  EXPECT_EQ(with_unit(4.1, "ratio"), "4.10");
  EXPECT_EQ(with_unit(0, "s"), "0 ns");
  EXPECT_EQ(significant(1234567), "1234567");
  EXPECT_EQ(times(3.1, Interval{3.0, 3.2}), "3.10x (3.00 to 3.20)");
  EXPECT_EQ(percent(0.00000003), "less than 0.01 %");
}

}  // namespace
}  // namespace hotexpert
