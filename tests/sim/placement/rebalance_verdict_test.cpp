#include "sim/placement/rebalance_verdict.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sim/base/errors.hpp"
#include "tests/sim/placement/placement_instances.hpp"

namespace hotexpert {
namespace {

constexpr int kExperts = 32;
constexpr int kTestLayers = 2;

/// Zipf 1.0 loads whose hot experts change every `period` steps (0: never), with 10 % of noise.
LoadMatrix rotating_trace(std::int64_t steps, std::int64_t period, double exponent = 1.0) {
  LoadMatrix loads(steps, kTestLayers, kExperts);
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto phase = static_cast<std::uint32_t>(period == 0 ? 0 : step / period);
    for (int layer = 0; layer < kTestLayers; ++layer) {
      const auto popularity = testing::zipf_loads(
          kExperts, exponent, 5, phase * kTestLayers + static_cast<std::uint32_t>(layer));
      RandomStream noise({.seed = 6,
                          .step = static_cast<std::uint32_t>(step),
                          .layer = static_cast<std::uint32_t>(layer)},
                         0);
      const auto rows = loads.at(step, layer);
      for (std::size_t e = 0; e < rows.size(); ++e) {
        rows[e] = static_cast<std::int64_t>(popularity[e] * (0.95 + 0.1 * noise.uniform()) / 1000);
      }
    }
  }
  return loads;
}

/// Eight ranks, a spare slot each; a row costs 1 us, an expert's 50 MB arrive at 50 GB/s in 1 ms.
VerdictQuestion question() {
  VerdictQuestion out;
  out.target = {.ranks = 8, .slots = 40};
  out.costs = {.row_s = 1e-6, .expert_bytes = 50e6, .link_bytes_per_s = 50e9, .pause_s = 1e-3};
  out.intervals = {4, 10};
  out.windows = {2, 8};
  return out;
}

std::string all(const std::vector<std::string>& sentences) {
  std::string text;
  for (const auto& sentence : sentences) text += sentence + "\n";
  return text;
}

TEST(VerdictTest, SaysEnableWhenHotExpertsStayHot) {
  auto asked = question();
  asked.intervals = {0, 20};
  const auto report = judge_rebalancing(rotating_trace(400, 0), asked);
  EXPECT_EQ(name(report.verdict), "enable") << all(report.reasons);
  const auto& chosen = report.sweep[*report.chosen];
  EXPECT_EQ(chosen.schedule.interval, 0);  // moving again gains nothing
  EXPECT_LT(chosen.max_over_mean, 1.1);
  EXPECT_GT(report.baseline_max_over_mean, 1.5);
  EXPECT_GT(report.persistence.overlap.front(), 0.95);
  EXPECT_LT(chosen.regret, 0.05);
  ASSERT_TRUE(chosen.break_even_steps);
  EXPECT_NEAR(*chosen.break_even_steps, chosen.first_charge_s / chosen.saved_s, 1e-9);
}

TEST(VerdictTest, SaysDoNotOnAFastRotatingTraceAlthoughBalanceImproves) {
  const auto report = judge_rebalancing(rotating_trace(400, 10), question());
  EXPECT_EQ(name(report.verdict), "do not") << all(report.reasons);
  const auto& chosen = report.sweep[*report.chosen];
  EXPECT_LT(chosen.max_over_mean, report.baseline_max_over_mean - 0.2);
  EXPECT_GT(chosen.saved_s, 0);
  EXPECT_LT(chosen.gain, 0);
  EXPECT_FALSE(chosen.break_even_steps);
  EXPECT_LT(report.persistence.overlap.back(), 0.5);
}

TEST(VerdictTest, CallsTheGainOfABlindPlanLuck) {
  auto asked = question();
  asked.intervals = {0};
  for (const std::int64_t period : {3, 7, 12}) {
    const auto report = judge_rebalancing(rotating_trace(400, period), asked);
    EXPECT_EQ(name(report.verdict), "do not") << all(report.reasons);
    EXPECT_LT(report.sweep[*report.chosen].foresight, 0.2);
  }
}

TEST(VerdictTest, SaysEnableOnTheSameRotatingTraceWhenMovesAreFree) {
  auto asked = question();
  asked.intervals = {2, 4};
  asked.windows = {1, 2};
  asked.costs.expert_bytes = 0;
  asked.costs.pause_s = 0;
  const auto report = judge_rebalancing(rotating_trace(400, 10), asked);
  EXPECT_EQ(name(report.verdict), "enable") << all(report.reasons);
}

TEST(VerdictTest, SaysDoNotWhenRanksAreBalancedAlready) {
  auto asked = question();
  asked.costs.pause_s = 0;
  asked.costs.expert_bytes = 0;
  asked.min_gain = 0.05;
  const auto report = judge_rebalancing(rotating_trace(200, 0, 0.0), asked);
  EXPECT_EQ(name(report.verdict), "do not") << all(report.reasons);
}

TEST(VerdictTest, SaysDoNotWhenWeightReadsHideTheImbalance) {
  auto asked = question();
  asked.intervals = {0};
  asked.costs.floor_s = 1.0;  // every layer waits for its weights, whatever the rows
  const auto report = judge_rebalancing(rotating_trace(200, 0), asked);
  EXPECT_EQ(name(report.verdict), "do not") << all(report.reasons);
  EXPECT_EQ(report.sweep[0].saved_s, 0);
}

TEST(VerdictTest, SaysNotEnoughEvidenceWhenTheTraceIsShort) {
  const auto short_trace = judge_rebalancing(rotating_trace(15, 0), question());
  EXPECT_EQ(name(short_trace.verdict), "not enough evidence");
  EXPECT_EQ(
      short_trace.reasons.front(),
      "The trace has 15 steps; a window of 8 and steps to choose and judge on need at least 20.");

  auto asked = question();
  asked.intervals = {40};
  const auto few_blocks = judge_rebalancing(rotating_trace(200, 0), asked);
  EXPECT_EQ(name(few_blocks.verdict), "not enough evidence");
  EXPECT_FALSE(few_blocks.chosen);
}

TEST(VerdictTest, SaysNotEnoughEvidenceWhenTheDeploymentPaysBackBeyondTheTrace) {
  auto asked = question();
  asked.intervals = {0};
  asked.costs.pause_s = 10.0;
  const auto report = judge_rebalancing(rotating_trace(400, 0), asked);
  EXPECT_EQ(name(report.verdict), "not enough evidence");
  EXPECT_NE(report.reasons.front().find("pays back after"), std::string::npos);
  EXPECT_GT(*report.sweep[*report.chosen].break_even_steps, 196);
}

TEST(VerdictTest, PlansLookBetterOnTheirOwnWindowThanOnLaterSteps) {
  const auto report = judge_rebalancing(rotating_trace(400, 10), question());
  for (const auto& row : report.sweep) {
    EXPECT_LT(row.planned_max_over_mean, row.max_over_mean - 0.1);
    EXPECT_GT(row.regret, 0);
  }
}

TEST(VerdictTest, RefusesCostsThatMeanNothing) {
  const auto loads = rotating_trace(40, 0);
  auto asked = question();
  asked.costs.row_s = 0;
  EXPECT_THROW(judge_rebalancing(loads, asked), UsageError);
  asked = question();
  asked.intervals.clear();
  EXPECT_THROW(judge_rebalancing(loads, asked), UsageError);
  asked = question();
  asked.windows = {0};
  EXPECT_THROW(judge_rebalancing(loads, asked), UsageError);
  EXPECT_THROW(judge_rebalancing(LoadMatrix(40, 1, kExperts), question()), InputError);
}

TEST(ReplayTest, ChargesTheWeightsOfTheBusiestReceiver) {
  // Two ranks, four experts, contiguous {0 1}{2 3} to {0 2}{1 3}: each rank receives one expert.
  const auto layer = [](const std::vector<int>& experts) {
    std::vector<LogicalExpert> slots;
    for (const int expert : experts) slots.push_back(static_cast<LogicalExpert>(expert));
    return PlacedLayer(ExpertPlacement(4, 2, slots, ranks_of_slots(4, 2)));
  };
  const std::vector<PlacedLayer> from = {layer({0, 1, 2, 3}), layer({0, 1, 2, 3})};
  const std::vector<PlacedLayer> to = {layer({0, 2, 1, 3}), layer({1, 0, 3, 2})};
  EXPECT_EQ(received_bytes(from, to, 7.0),
            (std::vector<double>{7.0, 7.0}));  // layer 1 only reorders
}

TEST(ReplayTest, CountsTimeMovesAndPausesStepByStep) {
  // One layer, experts 0 and 1 on ranks 0 and 1, expert 0 hot in every step: 30 rows against 10.
  LoadMatrix loads(5, 1, 4);
  for (std::int64_t step = 0; step < 5; ++step) {
    const auto rows = loads.at(step, 0);
    rows[0] = 30;
    rows[1] = 30;
    rows[2] = 10;
    rows[3] = 10;
  }
  const PlacementTarget target{.ranks = 2};
  const RebalanceCosts costs{
      .row_s = 1.0, .other_s = 5.0, .expert_bytes = 8.0, .link_bytes_per_s = 4.0, .pause_s = 0.5};
  const auto before = plan_window(loads, PlacementMethod::parse("contiguous"), target, 0, 1);
  const auto unchanged = replay_unchanged(loads, target, costs, before, 1);
  EXPECT_EQ(unchanged.step_s, (std::vector<double>(4, 65.0)));  // 60 rows on rank 0
  EXPECT_EQ(unchanged.max_over_mean, (std::vector<double>(4, 1.5)));

  const auto replay =
      replay_rebalancing(loads, PlacementMethod::parse("eplb"), target, {2, 1}, costs, before, 1);
  EXPECT_EQ(replay.step_s, (std::vector<double>(4, 45.0)));  // 40 rows on each
  EXPECT_EQ(replay.rebalances, 2);
  EXPECT_EQ(replay.moved_bytes, 16.0);  // one expert to each rank, once
  EXPECT_EQ(replay.charge_s, (std::vector<double>{0.5 + 2.0, 0.0, 0.5, 0.0}));
}

TEST(HotPersistenceTest, SeesRotationAndStability) {
  const auto stable = hot_persistence(rotating_trace(80, 0), 10);
  EXPECT_EQ(stable.hot_experts, 4);
  EXPECT_EQ(stable.chance, 0.125);
  ASSERT_EQ(stable.overlap.size(), 7U);
  EXPECT_GT(stable.overlap.back(), 0.9);
  const auto rotating = hot_persistence(rotating_trace(80, 10), 10);
  EXPECT_LT(rotating.overlap.front(), 0.45);
  EXPECT_TRUE(hot_persistence(rotating_trace(19, 0), 10).overlap.empty());
}

TEST(ForesightTest, ComparesThePlannedHotExpertsWithTheStepsOwn) {
  // 8 experts, so one is hot. Expert 0 leads in steps 0 and 1 and takes 2 of 12 rows in step 2,
  // which expert 1 leads with 10; an even share is 1.5.
  LoadMatrix loads(3, 1, 8);
  for (const std::int64_t step : {0, 1}) loads.at(step, 0)[0] = 12;
  loads.at(2, 0)[0] = 2;
  loads.at(2, 0)[1] = 10;
  EXPECT_EQ(foresight(loads, 0, 1, 1, 1, 2), 1.0);
  EXPECT_EQ(foresight(loads, 0, 1, 1, 2, 3), 0.5 / 8.5);
  EXPECT_EQ(foresight(loads, 1, 1, 1, 1, 3), (10.5 + 0.5) / (10.5 + 8.5));
}

}  // namespace
}  // namespace hotexpert
