#include "sim/base/mean_interval.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/metrics/binomial.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/synthetic_trace.hpp"

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

/// Of 1,000 experiments of ten steps each, those whose interval holds the drops a uniform router is
/// expected to have: the intervals are honest, neither too narrow nor too wide.
TEST(MeanIntervalTest, CoversTheExpectedDropsOfAUniformRouterInNineteenOfTwentyRuns) {
  SyntheticSpec spec;
  spec.num_experts = 16;
  spec.top_k = 2;
  spec.tokens = 256;
  spec.steps = 10'000;
  spec.weights = false;
  spec.seed = 11;
  constexpr std::int64_t kCapacity = 34;
  const double truth = expected_drop_fraction(spec.tokens, spec.num_experts, spec.top_k, kCapacity);
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  std::vector<std::int64_t> load(16);
  int covered = 0;
  std::vector<double> dropped;
  for (std::int64_t step = 0; step < spec.steps; ++step) {
    std::fill(load.begin(), load.end(), 0);
    count_load(trace->read(step, 0, buffer), load);
    double over = 0;
    for (const auto count : load)
      over += static_cast<double>(std::max<std::int64_t>(0, count - kCapacity));
    dropped.push_back(over / static_cast<double>(spec.tokens * spec.top_k));
    if (dropped.size() < 10) continue;
    const auto interval = mean_interval(dropped);
    covered += interval->low <= truth && truth <= interval->high ? 1 : 0;
    dropped.clear();
  }
  EXPECT_GE(covered, 930);
  EXPECT_LE(covered, 970);
}

}  // namespace
}  // namespace hotexpert
