#include "reports/sections/capacity_cost.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/section.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(KneeTest, IsThePointFarthestBelowTheChord) {
  // Scaled: (0, 1), (0.25, 0.2), (0.5, 0.1), (1, 0): distances below 1 - x are 0.55 and 0.4.
  const CapacityCost costs[] = {{1, 0.20, 1.0}, {1.25, 0.04, 1.5}, {1.5, 0.02, 2.0}, {2, 0, 3.0}};
  EXPECT_EQ(knee_of(costs), 1U);
}

TEST(KneeTest, MovesWithThePrice) {
  // The second step now costs nothing more, so it is taken.
  const CapacityCost costs[] = {{1, 0.20, 1.0}, {1.25, 0.04, 1.5}, {1.5, 0.02, 1.5}, {2, 0, 3.0}};
  EXPECT_EQ(knee_of(costs), 2U);
}

TEST(KneeTest, IsAbsentWithoutATrade) {
  const CapacityCost straight[] = {{1, 0.2, 1}, {2, 0.1, 2}, {3, 0, 3}};
  EXPECT_EQ(knee_of(straight), std::nullopt);
  const CapacityCost nearly_straight[] = {{1, 0.2, 1}, {2, 0.095, 2}, {3, 0, 3}};
  EXPECT_EQ(knee_of(nearly_straight), std::nullopt);
  const CapacityCost free[] = {{1, 0.2, 3}, {2, 0.1, 2}, {3, 0, 1}};
  EXPECT_EQ(knee_of(free), std::nullopt);
  const CapacityCost useless[] = {{1, 0, 1}, {2, 0, 2}, {3, 0, 3}};
  EXPECT_EQ(knee_of(useless), std::nullopt);
  EXPECT_EQ(knee_of(std::span(straight).first(2)), std::nullopt);
  EXPECT_EQ(knee_of({}), std::nullopt);
}

PointResult point_of(double factor, const std::string& kernel, double dropped, double seconds,
                     double half_width) {
  auto point = test_support::small_point(2, kernel);
  point.point.emplace_back("capacity.factor", Json(factor));
  point.measurements.push_back({"drop.assignment_fraction", dropped, Provenance::kCounted});
  point.measurements[1].value = seconds;
  point.measurements[1].ci95 = Interval{seconds * (1 - half_width), seconds * (1 + half_width)};
  return point;
}

std::vector<std::string> said_of(const std::string& kernel, double half_width) {
  Run run;
  run.manifest = test_support::small_manifest();
  run.points = {point_of(1, kernel, 0.20, 0.010, half_width),
                point_of(1.25, kernel, 0.04, 0.0125, half_width),
                point_of(1.5, kernel, 0.02, 0.015, half_width),
                point_of(2, kernel, 0.0, 0.020, half_width)};
  std::vector<Run> runs;
  runs.push_back(std::move(run));
  std::vector<std::string> texts;
  for (const auto& finding : findings(make_comparison(std::move(runs))))
    texts.push_back(finding.text);
  return texts;
}

TEST(CapacityCostTest, NamesTheKneeWithWhatItSavesAndCosts) {
  EXPECT_THAT(
      said_of("padded", 0.01),
      Contains(AllOf(HasSubstr("the knee is at capacity factor 1.25"),
                     HasSubstr("saves 16 points of drops for 2.50 ms (1.25x (1.23 to 1.27)"),
                     HasSubstr("going on to 2 saves 4 points of drops for 7.50 ms, fewer"))));
}

TEST(CapacityCostTest, NoKneeIsNamedWhenTheTimesCannotBeToldApart) {
  EXPECT_THAT(said_of("padded", 0.9), Not(Contains(HasSubstr("knee"))));
}

TEST(CapacityCostTest, KernelsThatDoNotPadHaveNoPriceOfPadding) {
  EXPECT_THAT(said_of("grouped", 0.01), Not(Contains(HasSubstr("knee"))));
}

}  // namespace
}  // namespace hotexpert
