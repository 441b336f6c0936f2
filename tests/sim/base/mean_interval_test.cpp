#include "sim/base/mean_interval.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace hotexpert {
namespace {

TEST(MeanIntervalTest, IsStudents) {
  // n = 5: t(4, 0.975) = 2.776; mean 3, deviation sqrt(2.5).
  const auto interval = mean_interval(std::vector<double>{1, 2, 3, 4, 5});
  ASSERT_TRUE(interval.has_value());
  EXPECT_NEAR(interval->high - 3, 2.7764451 * std::sqrt(2.5 / 5), 1e-6);
  EXPECT_NEAR(interval->high + interval->low, 6, 1e-12);
}

TEST(MeanIntervalTest, OneValueHasNone) {
  EXPECT_FALSE(mean_interval(std::vector<double>{1}).has_value());
}

}  // namespace
}  // namespace hotexpert
