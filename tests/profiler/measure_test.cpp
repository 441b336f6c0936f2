#include "profiler/measure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "sim/base/errors.hpp"
#include "tests/profiler/fake_machine.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

MeasureOptions fixed_samples(int samples) {
  MeasureOptions options;
  options.min_samples = options.max_samples = samples;
  options.time_budget_s = 1e9;
  options.max_warmup_windows = 0;
  return options;
}

TEST(MeasureTest, RunsArmsForwardThenInReverse) {
  FakeMachine machine;
  const std::vector<Arm> arms = {machine.arm("A", 1), machine.arm("B", 1), machine.arm("C", 1)};
  const auto result = measure(arms, fixed_samples(4), machine.clock());
  EXPECT_EQ(machine.order, "ABCCBAABCCBA");
  for (const auto& arm : result.arms) EXPECT_EQ(arm.samples.size(), 4U);
}

TEST(MeasureTest, TakesAtLeastTenSamplesAnArmByDefault) {
  FakeMachine machine;
  const std::vector<Arm> arms = {machine.arm("A", 1e3)};  // one run exceeds the time budget
  const auto result = measure(arms, {}, machine.clock());
  EXPECT_EQ(result.arms[0].samples.size(), 10U);
  EXPECT_EQ(result.stopped, StopReason::kPrecise);
}

TEST(MeasureTest, WarmsUpUntilWindowsAgree) {
  FakeMachine machine;
  machine.cold_runs = 2;
  machine.cold_factor = 5;
  const std::vector<Arm> arms = {machine.arm("A", 1e-3)};
  const auto result = measure(arms, {}, machine.clock());
  EXPECT_TRUE(result.warmed_up);
  EXPECT_EQ(result.warmup_runs, 9);  // window medians 5, 1, 1 ms
  for (const auto& sample : result.arms[0].samples) EXPECT_DOUBLE_EQ(sample.total_s, 1e-3);
}

TEST(MeasureTest, WarmUpIsBoundedByTimeAndByCount) {
  FakeMachine slow;
  slow.drift_per_run = 1;
  const std::vector<Arm> slow_arms = {slow.arm("A", 10)};
  EXPECT_EQ(measure(slow_arms, {}, slow.clock()).warmup_runs, 3);
  FakeMachine rising;
  rising.drift_per_run = 0.5;
  const std::vector<Arm> rising_arms = {rising.arm("A", 1e-6)};
  MeasureOptions options;
  options.warmup_tolerance = 0.001;
  const auto result = measure(rising_arms, options, rising.clock());
  EXPECT_EQ(result.warmup_runs, 30);
  EXPECT_FALSE(result.warmed_up);
}

TEST(MeasureTest, StopsWhenEveryArmIsPrecise) {
  FakeMachine machine;
  machine.noise = 0.05;
  const std::vector<Arm> arms = {machine.arm("A", 1e-3), machine.arm("B", 2e-3)};
  const auto result = measure(arms, {}, machine.clock());
  EXPECT_EQ(result.stopped, StopReason::kPrecise);
  EXPECT_GT(result.arms[0].samples.size(), 10U);
  for (const auto& arm : result.arms) EXPECT_LE(relative_half_width(totals_s(arm)), 0.02);
}

TEST(MeasureTest, StopsAtTheTimeBudgetAndAtTheLargestCount) {
  FakeMachine machine;
  machine.noise = 0.5;
  const std::vector<Arm> arms = {machine.arm("A", 0.1)};
  MeasureOptions options;
  options.time_budget_s = 3;
  const auto by_time = measure(arms, options, machine.clock());
  EXPECT_EQ(by_time.stopped, StopReason::kTimeBudget);
  EXPECT_LT(by_time.elapsed_s, 3 * 1.25 + 1);
  options.time_budget_s = 1e9;
  options.max_samples = 40;
  const auto by_count = measure(arms, options, machine.clock());
  EXPECT_EQ(by_count.stopped, StopReason::kMaxSamples);
  EXPECT_EQ(by_count.arms[0].samples.size(), 40U);
}

TEST(MeasureTest, AsksTheCallersStoppingRuleAfterEveryRound) {
  struct FiveRounds final : StoppingRule {
    int asked = 0;
    std::optional<StopReason> decide(const SamplingState& state) override {
      EXPECT_EQ(state.total_s[1].size(), 2U * static_cast<std::size_t>(++asked));
      return asked == 5 ? std::optional(StopReason::kMaxSamples) : std::nullopt;
    }
  } rule;
  FakeMachine machine;
  const std::vector<Arm> arms = {machine.arm("A", 1), machine.arm("B", 1)};
  EXPECT_EQ(measure(arms, {}, rule, machine.clock()).arms[1].samples.size(), 10U);
}

TEST(MeasureTest, LabelsOutliersAndKeepsThem) {
  const std::vector<double> samples = {1.0, 1.01, 0.99, 1.02, 9.0, 0.98, 1.0, 1.01, 0.2, 1.0};
  EXPECT_THAT(outlier_indices(samples), ElementsAre(4, 8));
  // More than half are equal: MAD is 0, the mean absolute deviation (0.8) decides.
  const std::vector<double> ticks = {1, 1, 1, 1, 1, 1, 1, 1, 1, 9};
  EXPECT_THAT(outlier_indices(ticks), ElementsAre(9));
  EXPECT_THAT(outlier_indices(std::vector<double>(10, 1.0)), IsEmpty());
  EXPECT_THAT(outlier_indices(std::vector<double>{1, 2}), IsEmpty());

  FakeMachine machine;
  machine.noise = 0.01;
  machine.outlier_share = 0.1;
  const std::vector<Arm> arms = {machine.arm("A", 1e-3)};
  const auto result = measure(arms, fixed_samples(100), machine.clock());
  EXPECT_EQ(result.arms[0].samples.size(), 100U);
  EXPECT_GE(result.arms[0].outliers.size(), 4U);
  for (const auto index : result.arms[0].outliers)
    EXPECT_GT(result.arms[0].samples[index].total_s, 2e-3);
}

TEST(MeasureTest, RefusesNonsense) {
  FakeMachine machine;
  const Arm a = machine.arm("A", 1);
  const std::vector<Arm> none;
  const std::vector<Arm> twice = {a, a};
  const std::vector<Arm> one = {a};
  EXPECT_THROW(measure(none, {}, machine.clock()), UsageError);
  EXPECT_THROW(measure(twice, {}, machine.clock()), UsageError);
  MeasureOptions options;
  options.max_samples = 5;
  EXPECT_THROW(measure(one, options, machine.clock()), UsageError);
  for (const double total : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    const std::vector<Arm> broken = {{"broken", [total] {
                                        PhaseTimes times;
                                        times.total_s = total;
                                        return times;
                                      }}};
    EXPECT_THROW(measure(broken, {}, machine.clock()), std::logic_error);
  }
}

struct Scenario {
  std::string name;
  double noise;
  double drift_per_run;
  double outlier_share;
};
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

class PairedRatioCoverage : public testing::TestWithParam<Scenario> {
 protected:
  /// How many of 1,000 measurements give an interval of the ratio that holds `truth`.
  [[nodiscard]] int covered(double truth, const MeasureOptions& options) const {
    int count = 0;
    for (std::uint32_t trial = 0; trial < 1000; ++trial) {
      FakeMachine machine(trial);
      machine.noise = GetParam().noise;
      machine.drift_per_run = GetParam().drift_per_run;
      machine.outlier_share = GetParam().outlier_share;
      const std::vector<Arm> arms = {machine.arm("A", 1e-3 * (1 + truth)), machine.arm("B", 1e-3)};
      const auto result = measure(arms, options, machine.clock());
      const auto ratio = paired_ratio(result.arms[0], result.arms[1]);
      count += ratio.ci95->low <= truth && truth <= ratio.ci95->high ? 1 : 0;
    }
    return count;
  }
};

TEST_P(PairedRatioCoverage, OfAnArmAgainstItselfHoldsZeroAsOftenAsItClaims) {
  const int count = covered(0, fixed_samples(20));  // the exact level of 20 samples is 95.9 %
  EXPECT_GE(count, 930);
  EXPECT_LE(count, 970);
}

TEST_P(PairedRatioCoverage, HoldsAPlantedDifferenceAsOftenAsItClaims) {
  const int count = covered(0.25, fixed_samples(20));
  EXPECT_GE(count, 930);
  EXPECT_LE(count, 970);
}

TEST_P(PairedRatioCoverage, SurvivesStoppingEarly) {
  MeasureOptions options;
  options.max_samples = 100;
  const int count = covered(0, options);
  RecordProperty("covered", count);
  EXPECT_GE(count, 930);
}

INSTANTIATE_TEST_SUITE_P(Machines, PairedRatioCoverage,
                         testing::Values(Scenario{"quiet", 0.01, 0, 0},
                                         Scenario{"noisy", 0.08, 0, 0},
                                         Scenario{"drifting", 0.02, 0.0005, 0},
                                         Scenario{"outliers", 0.03, 0, 0.1},
                                         Scenario{"everything", 0.05, 0.0005, 0.1}),
                         [](const auto& row) { return row.param.name; });

TEST(PairedRatioTest, SeesADifferenceSmallerThanTheDrift) {
  FakeMachine machine;
  machine.noise = 0.005;
  machine.drift_per_run = 0.005;  // the machine slows down to a third while 400 runs are made
  const std::vector<Arm> arms = {machine.arm("A", 1.02e-3), machine.arm("B", 1e-3)};
  const auto result = measure(arms, fixed_samples(200), machine.clock());
  const auto ratio = paired_ratio(result.arms[0], result.arms[1]);
  EXPECT_TRUE(ratio.resolved());
  EXPECT_NEAR(ratio.value, 0.02, 0.003);
}

TEST(PairedRatioTest, DoesNotResolveWhatIsBelowTheNoise) {
  FakeMachine machine;
  machine.noise = 0.1;
  const std::vector<Arm> arms = {machine.arm("A", 1.001e-3), machine.arm("B", 1e-3)};
  const auto result = measure(arms, fixed_samples(20), machine.clock());
  EXPECT_FALSE(paired_ratio(result.arms[0], result.arms[1]).resolved());
}

}  // namespace
}  // namespace hotexpert
