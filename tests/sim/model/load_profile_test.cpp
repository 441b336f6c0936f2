#include "sim/model/load_profile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

TEST(LoadProfileTest, DrawsReachTheirExpectedSkewAndTotal) {
  const double skew = 4;
  const LoadProfile profile(128, 8, skew);
  const std::int64_t tokens = 100000;
  double worst = 0;
  double total = 0;
  for (std::uint32_t draw = 0; draw < 8; ++draw) {
    const auto loads = profile.draw(tokens, draw);
    worst += static_cast<double>(*std::max_element(loads.begin(), loads.end())) / 8;
    total += static_cast<double>(std::accumulate(loads.begin(), loads.end(), std::int64_t{0})) / 8;
  }
  EXPECT_NEAR(worst / (tokens * 8.0 / 128), skew, 0.03);
  EXPECT_NEAR(total / (tokens * 8.0), 1, 0.002);
}

TEST(LoadProfileTest, SmallBatchesTouchAsManyExpertsAsIndependentTokensWould) {
  // Uniform: each expert is missed by 32 tokens with probability (1 - 8/256)^32 = 0.362.
  const LoadProfile profile(256, 8, 1);
  double active = 0;
  for (std::uint32_t draw = 0; draw < 50; ++draw) {
    const auto loads = profile.draw(32, draw);
    active += static_cast<double>(
                  std::count_if(loads.begin(), loads.end(), [](std::int64_t m) { return m > 0; })) /
              50;
  }
  EXPECT_NEAR(active, 163.3, 3);
}

TEST(LoadProfileTest, WhenKEqualsEEveryExpertHasEveryToken) {
  EXPECT_EQ(LoadProfile(4, 4, 1).draw(33, 0), (std::vector<std::int64_t>(4, 33)));
}

TEST(LoadProfileTest, SkewOutOfReachIsRefused) {
  EXPECT_THROW(LoadProfile(8, 2, 4.5), UsageError);
  EXPECT_THROW(LoadProfile(8, 2, 0.9), UsageError);
}

TEST(LoadProfileTest, EqualLoadsDifferByAtMostOneRow) {
  const auto loads = equal_loads(6, 2, 10);
  EXPECT_EQ(std::accumulate(loads.begin(), loads.end(), std::int64_t{0}), 20);
  EXPECT_LE(
      *std::max_element(loads.begin(), loads.end()) - *std::min_element(loads.begin(), loads.end()),
      1);
}

TEST(LoadProfileTest, TheHottestRankIsTheBlockWithMostRows) {
  EXPECT_EQ(hottest_rank_rows({1, 9, 6, 5}, 2), (std::vector<std::int64_t>{6, 5}));
  EXPECT_EQ(hottest_rank_rows({1, 9, 6, 4}, 2), (std::vector<std::int64_t>{1, 9}));
}

}  // namespace
}  // namespace hotexpert
