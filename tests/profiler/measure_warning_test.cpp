#include "profiler/measure_warning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "profiler/measure.hpp"
#include "tests/profiler/fake_machine.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Doubts about an arm whose samples are given, taken with a warm machine and enough precision.
std::vector<MeasureWarning> doubts(const std::vector<double>& total_s,
                                   StopReason stopped = StopReason::kPrecise,
                                   double resolution_s = 1e-9) {
  MeasureResult result;
  result.warmed_up = true;
  result.stopped = stopped;
  ArmSamples arm{"layer", {}, outlier_indices(total_s)};
  for (const double total : total_s) {
    PhaseTimes times;
    times.total_s = total;
    arm.samples.push_back(times);
  }
  result.arms = {arm};
  return doubts_of(result, {}, FakeClock(resolution_s));
}

std::vector<double> normal_samples(std::size_t count, double deviation, std::uint32_t trial = 0) {
  RandomStream stream({.seed = 21}, trial);
  std::vector<double> samples(count);
  for (double& sample : samples) sample = 1e-3 * std::exp(deviation * stream.normal());
  return samples;
}

std::set<MeasureDoubt> kinds(const std::vector<MeasureWarning>& warnings) {
  std::set<MeasureDoubt> found;
  for (const auto& warning : warnings) found.insert(warning.doubt);
  return found;
}

TEST(MeasureWarningTest, CleanSamplesRaiseNoDoubt) {
  EXPECT_THAT(doubts(normal_samples(20, 0.005)), IsEmpty());
}

TEST(MeasureWarningTest, NameNoiseAndItsSize) {
  const auto warnings = doubts(normal_samples(40, 0.3));
  ASSERT_TRUE(kinds(warnings).contains(MeasureDoubt::kNoisy));
  EXPECT_THAT(warnings[0].text, HasSubstr("layer: Samples scatter by"));
}

TEST(MeasureWarningTest, NameDriftAndItsDirection) {
  auto samples = normal_samples(40, 0.005);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] *= 1 - 0.002 * static_cast<double>(i);
  const auto warnings = doubts(samples);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].doubt, MeasureDoubt::kDrift);
  EXPECT_THAT(warnings[0].text, HasSubstr("Samples fell by 5."));
}

TEST(MeasureWarningTest, NameTwoGroups) {
  auto samples = normal_samples(40, 0.005);
  for (std::size_t i = 1; i < samples.size(); i += 3) samples[i] *= 1.2;
  const auto warnings = doubts(samples);
  ASSERT_TRUE(kinds(warnings).contains(MeasureDoubt::kBimodal));
  EXPECT_THAT(warnings.back().text, HasSubstr("around 1 ms and 1.2 ms"));
}

TEST(MeasureWarningTest, TooFewSamples) {
  EXPECT_THAT(kinds(doubts({1e-3, 1e-3, 1e-3, 1e-3})), ElementsAre(MeasureDoubt::kTooFewSamples));
}

TEST(MeasureWarningTest, BudgetHitStatesTheWidthReached) {
  const auto warnings = doubts(normal_samples(10, 0.08), StopReason::kTimeBudget);
  ASSERT_TRUE(kinds(warnings).contains(MeasureDoubt::kBudgetHit));
  EXPECT_THAT(warnings[0].text, HasSubstr("the time budget of 5 s"));
  EXPECT_THAT(warnings[0].text, HasSubstr("2.0 % was wanted"));
  EXPECT_THAT(doubts(normal_samples(10, 0.005), StopReason::kTimeBudget), IsEmpty());
}

TEST(MeasureWarningTest, FirstSampleSlow) {
  auto samples = normal_samples(20, 0.005);
  samples[0] *= 4;
  EXPECT_THAT(kinds(doubts(samples)), ElementsAre(MeasureDoubt::kFirstSlow));
  samples[0] /= 16;  // fast is no sign of a cold machine
  EXPECT_THAT(doubts(samples), IsEmpty());
}

TEST(MeasureWarningTest, ClockTooCoarse) {
  EXPECT_THAT(kinds(doubts(normal_samples(20, 0.005), StopReason::kPrecise, 1e-5)),
              ElementsAre(MeasureDoubt::kClockResolution));
}

TEST(MeasureWarningTest, NotSteadyAndLoadedMachine) {
  MeasureResult result;
  result.warmup_runs = 30;
  MeasureOptions options;
  options.machine_load = MachineLoad{1.5, 2};
  const auto warnings = doubts_of(result, options, FakeClock());
  EXPECT_THAT(kinds(warnings), ElementsAre(MeasureDoubt::kNotSteady, MeasureDoubt::kLoadedMachine));
  EXPECT_THAT(warnings[0].text, HasSubstr("after 30 runs an arm"));
  EXPECT_THAT(warnings[1].text, HasSubstr("load average was 1.5 on 2 processors"));
  options.machine_load = MachineLoad{0.9, 2};
  EXPECT_EQ(doubts_of(result, options, FakeClock()).size(), 1U);
}

TEST(MeasureWarningTest, FalseAlarmsAreRare) {
  int drifts = 0;
  int groups = 0;
  for (std::uint32_t trial = 0; trial < 1000; ++trial) {
    const auto found = kinds(doubts(normal_samples(20, 0.06, trial)));
    drifts += found.contains(MeasureDoubt::kDrift) ? 1 : 0;
    groups += found.contains(MeasureDoubt::kBimodal) ? 1 : 0;
  }
  EXPECT_LE(drifts, 10);
  EXPECT_LE(groups, 20);
}

/// Doubts about a steady arm on a machine whose clock and neighbours are planted.
std::set<MeasureDoubt> doubts_on(std::uint32_t trial, double waited_share,
                                 const std::function<double(int)>& probe_s) {
  FakeMachine machine(trial);
  machine.noise = 0.005;
  FakeWitness witness(machine.clock(), waited_share, probe_s);
  MeasureOptions options;
  options.min_samples = options.max_samples = 60;
  options.time_budget_s = 1e9;
  options.witness = &witness;
  const std::vector<Arm> arms = {machine.arm("layer", 1e-3)};
  return kinds(measure(arms, options, machine.clock()).warnings);
}

TEST(MeasureWarningTest, ANoisyNeighbourIsFlaggedByTheTimeItTook) {
  const auto steady = [](int) { return 2e-5; };
  EXPECT_TRUE(doubts_on(0, 0.05, steady).contains(MeasureDoubt::kNeighbour));
  EXPECT_FALSE(doubts_on(0, 0.01, steady).contains(MeasureDoubt::kNeighbour));
}

TEST(MeasureWarningTest, AClockThatChangesIsFlaggedAndASteadyOneIsNot) {
  int stepped = 0;
  int sank = 0;
  int switched = 0;
  int steady = 0;
  for (std::uint32_t trial = 0; trial < 200; ++trial) {
    RandomStream stream({.seed = 33, .purpose = RandomPurpose::kTest, .step = 0, .layer = 0},
                        trial);
    const auto flagged = [&](const std::function<double(int)>& factor) {
      const auto probe = [&](int n) {
        return 2e-5 * factor(n) * std::exp(0.005 * stream.normal());
      };
      return doubts_on(trial, 0, probe).contains(MeasureDoubt::kClockChange) ? 1 : 0;
    };
    stepped += flagged([](int n) { return n < 15 ? 1.0 : 1.08; });      // turbo ends half-way
    sank += flagged([](int n) { return 1 + 0.003 * n; });               // the machine heats up
    switched += flagged([](int n) { return n % 3 == 0 ? 1.1 : 1.0; });  // two states
    steady += flagged([](int) { return 1.0; });
  }
  EXPECT_GE(stepped, 195);
  EXPECT_GE(sank, 195);
  EXPECT_GE(switched, 195);
  EXPECT_LE(steady, 2);
}

}  // namespace
}  // namespace hotexpert
