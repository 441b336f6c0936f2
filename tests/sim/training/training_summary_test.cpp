#include "sim/training/training_summary.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hotexpert::training {
namespace {

/// A record of `steps` steps with given max/mean, two experts with loads 3 and 1.
TrainingRecord record_of(std::int64_t steps, double (*max_over_mean)(std::int64_t)) {
  TrainingRecord record;
  record.num_experts = 2;
  record.kept_load = {0, 0};
  for (std::int64_t s = 0; s < steps; ++s) {
    StepMeasures step;
    step.step = s;
    step.max_over_mean = max_over_mean(s);
    record.steps.push_back(step);
    record.load.insert(record.load.end(), {3, 1});
    record.kept_load[0] += 3;
    record.kept_load[1] += 1;
    record.gradient_norm.insert(record.gradient_norm.end(), {2.0F, 0.5F});
  }
  return record;
}

TEST(SettleStepTest, IsTheFirstStepFromWhichMaxVioStaysInItsBand) {
  const auto record = record_of(1000, [](std::int64_t s) {
    return s < 500 ? 6.0 : s % 2 == 0 ? 1.9 : 2.1;
  });
  const auto summary = summarize(record);
  EXPECT_NEAR(summary.max_vio, 1.0, 1e-12);
  // The past 50 steps average below 1.2 once at most two of them are old (2 * 4 / 50 = 0.16).
  EXPECT_NEAR(static_cast<double>(summary.settle_step), 547, 1);
}

TEST(SettleStepTest, AConstantRunIsSettledFromTheStart) {
  EXPECT_EQ(summarize(record_of(50, [](std::int64_t) { return 2.0; })).settle_step, 0);
  EXPECT_EQ(summarize(record_of(1, [](std::int64_t) { return 2.0; })).settle_step, 0);
}

TEST(OvershootTest, IsTheRiseAfterTheLevelWasFirstReached) {
  // 5, down to the level 1, up to 3 for 60 steps, then 1 for good.
  const auto record = record_of(1000, [](std::int64_t s) {
    if (s < 100) return 6.0;
    return s >= 300 && s < 360 ? 4.0 : 2.0;
  });
  EXPECT_NEAR(summarize(record).overshoot, 2.0, 1e-12);
}

TEST(GradientNormTest, ComparesTheLargestWithTheSmallest) {
  const auto summary = summarize(record_of(100, [](std::int64_t) { return 1.5; }));
  EXPECT_NEAR(summary.gradient_norm_ratio, 4, 1e-6);
  EXPECT_NEAR(summary.overloaded_gradient_norm, 2, 1e-6);
  EXPECT_NEAR(summary.starved_gradient_norm, 0.5, 1e-6);
  EXPECT_NEAR(summary.starved_gradient_cv, 0, 1e-3);
}

TEST(GradientNormTest, LeavesOutExpertsWithoutGradient) {
  auto record = record_of(100, [](std::int64_t) { return 1.5; });
  for (std::size_t i = 1; i < record.gradient_norm.size(); i += 2) {
    record.gradient_norm[i] = 0;
    record.load[i] = 0;
  }
  const auto summary = summarize(record);
  EXPECT_EQ(summary.gradient_norm_ratio, 1);
  EXPECT_EQ(summary.dead_experts, 1);
}

TEST(StarvedShareTest, CountsExpertsBelowATenthOfTheirShare) {
  auto record = record_of(10, [](std::int64_t) { return 1.0; });
  record.kept_load = {100, 100, 100, 4};
  EXPECT_EQ(summarize(record).starved_share, 0.25);
  record.kept_load = {100, 100, 100, 10};
  EXPECT_EQ(summarize(record).starved_share, 0);
}

TEST(CycleTest, IsTheDeviationAroundADriftingBias) {
  auto record = record_of(500, [](std::int64_t) { return 1.0; });
  EXPECT_EQ(summarize(record).bias_cycle, std::nullopt);
  for (int s = 0; s < 500; ++s) {
    const double jump = s % 2 == 0 ? 0.01 : -0.01;
    record.rule_memory.insert(record.rule_memory.end(), {0.002 * s + jump, jump});
  }
  EXPECT_NEAR(*summarize(record).bias_cycle, 0.01, 1e-4);
  EXPECT_NEAR(summarize(record).load_cycle, 0, 1e-12);
}

TEST(LossHackingTest, IsTheShareOfTheLastSteps) {
  auto record = record_of(100, [](std::int64_t) { return 1.0; });
  for (std::size_t s = 0; s < 95; ++s) record.steps[s].loss_hacked = 1;
  EXPECT_NEAR(summarize(record).loss_hacked_share, 0.5, 1e-12);
}

}  // namespace
}  // namespace hotexpert::training
