#include "sim/base/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

TEST(StatisticsTest, QuantilesInterpolate) {
  const std::vector<double> values = {4, 1, 3, 2};
  EXPECT_EQ(median(values), 2.5);
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 1), 4);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(StatisticsTest, MedianIntervalUsesTheTabulatedRanks) {
  // Conover, table A3: n = 10 at 95 %: the 2nd and the 9th order statistic.
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const auto interval = median_interval(values);
  ASSERT_TRUE(interval.has_value());
  EXPECT_EQ(*interval, (Interval{2, 9}));
  EXPECT_FALSE(median_interval(std::vector<double>(5, 1.0)).has_value());
}

TEST(StatisticsTest, MedianIntervalCoversTheTruth) {
  int covered = 0;
  for (std::uint32_t trial = 0; trial < 2000; ++trial) {
    RandomStream stream({.seed = 11, .purpose = RandomPurpose::kTest}, trial);
    std::vector<double> values(25);
    for (double& value : values) value = stream.exponential();
    const auto interval = median_interval(values);
    covered += interval->low <= std::log(2.0) && std::log(2.0) <= interval->high ? 1 : 0;
  }
  EXPECT_GE(covered, 1900);  // exact level for n = 25: 0.957
}

TEST(MedianIntervalTest, CoversTheMedianInNineteenOfTwentyRuns) {
  int covered = 0;
  for (std::uint32_t run = 0; run < 1000; ++run) {
    RandomStream stream({.seed = 12, .purpose = RandomPurpose::kTest, .step = 0, .layer = 0}, run);
    std::vector<double> samples(20);
    for (auto& sample : samples) sample = std::exp(stream.normal());  // skewed, as times are
    const auto interval = median_interval(samples);
    covered += interval->low <= 1 && 1 <= interval->high ? 1 : 0;
  }
  EXPECT_GE(covered, 930);
  EXPECT_LE(covered, 970);
}

}  // namespace
}  // namespace hotexpert
