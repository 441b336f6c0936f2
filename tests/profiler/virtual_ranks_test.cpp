#include "profiler/virtual_ranks.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "sim/core/expert_placement.hpp"

namespace hotexpert {
namespace {

/// A layer on which a row takes a second, and on which run `slow_run` of plans with `slow_rows`
/// rows takes ten times as long.
class FakeLayer final : public PreparedLayer {
 public:
  int load(const DispatchPlan& plan) override {
    rows_.push_back(plan.rows());
    return static_cast<int>(rows_.size()) - 1;
  }
  void unload() override { rows_.clear(); }
  PhaseTimes run(int handle) override {
    ++runs;
    const auto rows = rows_.at(static_cast<std::size_t>(handle));
    const double hiccup = rows == slow_rows && ++seen_ == slow_run ? 10 : 1;
    PhaseTimes times;
    times.permute_s = 0.25 * hiccup;
    times.expert_ffn_s = static_cast<double>(rows) * hiccup;
    times.total_s = *times.permute_s + *times.expert_ffn_s;
    return times;
  }
  std::vector<float> read_output(int) override { return {}; }
  double verify(int handle, int& bad_expert) override {
    ++verified;
    bad_expert = 1;
    return rows_.at(static_cast<std::size_t>(handle)) == wrong_rows ? 0.5 : 1e-7;
  }
  [[nodiscard]] std::int64_t computed_rows(int handle) const override {
    return rows_.at(static_cast<std::size_t>(handle)) + 1;
  }

  std::int64_t slow_rows = -1;
  std::int64_t wrong_rows = -1;
  int slow_run = 0;
  int runs = 0;
  int verified = 0;

 private:
  std::vector<std::int64_t> rows_;
  int seen_ = 0;
};

/// A plan with so many rows for each expert, two experts a rank.
DispatchPlan plan_of(const std::vector<std::int64_t>& rows) {
  DispatchPlan plan;
  plan.slots = 1;
  plan.num_physical = static_cast<int>(rows.size());
  plan.num_ranks = plan.num_physical / 2;
  plan.expert_offsets = {0};
  for (std::size_t p = 0; p < rows.size(); ++p) {
    for (std::int64_t i = 0; i < rows[p]; ++i) {
      plan.source_token.push_back(static_cast<std::int32_t>(plan.tokens));
      plan.source_slot.push_back(static_cast<std::int32_t>(plan.tokens++));
    }
    plan.expert_offsets.push_back(plan.tokens);
    plan.rank_of_expert.push_back(static_cast<std::int32_t>(p / 2));
  }
  return plan;
}

class VirtualRanksTest : public ::testing::Test {
 protected:
  FakeLayer layer_;
  LayerOfExperts layer_of_ = [this](int) -> PreparedLayer& { return layer_; };
};

TEST_F(VirtualRanksTest, TheLayerTakesAsLongAsItsSlowestRank) {
  VirtualRanks ranks(layer_of_, 0, {});
  const int handle = ranks.load(plan_of({3, 4, 10, 1, 2, 2}), std::vector<std::int64_t>(3, 0));
  const auto times = ranks.run(handle);
  EXPECT_DOUBLE_EQ(times.total_s, 11.25);
  EXPECT_DOUBLE_EQ(*times.expert_ffn_s, 11);
  EXPECT_EQ(times.rank_ffn_s, (std::vector<double>{7, 11, 4}));
  EXPECT_FALSE(times.all_to_all_s);
  EXPECT_EQ(ranks.computed_rows(handle), 22 + 3);
}

TEST_F(VirtualRanksTest, RanksWithTheSameLoadInAnyOrderAreTimedOnce) {
  VirtualRanks ranks(layer_of_, 0, {});
  const int handle = ranks.load(plan_of({3, 4, 4, 3, 3, 4, 7, 0}), std::vector<std::int64_t>(4, 0));
  EXPECT_EQ(ranks.distinct_loads(handle), 2U);  // {3, 4} three times; {7, 0} is another load
  EXPECT_EQ(ranks.run(handle).rank_ffn_s.size(), 4U);
  EXPECT_EQ(layer_.runs, 2);
}

TEST_F(VirtualRanksTest, AHiccupElsewhereDoesNotMakeAStraggler) {
  layer_.slow_rows = 4;
  layer_.slow_run = 2;
  VirtualRanks ranks(layer_of_, 0, {});
  const int handle = ranks.load(plan_of({3, 4, 10, 1, 2, 2}), std::vector<std::int64_t>(3, 0));
  ranks.run(handle);
  EXPECT_DOUBLE_EQ(ranks.run(handle).total_s, 42.5);  // the hiccup is this run's maximum
  ranks.run(handle);
  const auto settled = ranks.settle(handle, 3);
  EXPECT_EQ(settled.straggler, 1);
  ASSERT_EQ(settled.samples.size(), 3U);
  for (const auto& sample : settled.samples) EXPECT_DOUBLE_EQ(sample.total_s, 11.25);
  EXPECT_DOUBLE_EQ(settled.samples[1].rank_ffn_s[2], 40);
  EXPECT_EQ(settled.ffn_s, (std::vector<double>{7, 11, 4}));
}

TEST_F(VirtualRanksTest, EqualTokensOnASlowDeviceStillStraggle) {
  VirtualRanks ranks(layer_of_, 0, {1.0, 0.5, 1.0});
  const int handle = ranks.load(plan_of({3, 3, 3, 3, 3, 3}), std::vector<std::int64_t>(3, 0));
  EXPECT_DOUBLE_EQ(ranks.run(handle).total_s, 12.5);
  EXPECT_EQ(ranks.settle(handle, 1).straggler, 1);
  EXPECT_EQ(ranks.distinct_loads(handle), 1U);
}

TEST_F(VirtualRanksTest, SharedExpertsRunOnTheTokensARankOwns) {
  VirtualRanks ranks(layer_of_, 2, {});
  const int handle = ranks.load(plan_of({3, 4, 10, 1, 2, 2}), std::vector<std::int64_t>{5, 5, 6});
  EXPECT_EQ(ranks.run(handle).rank_ffn_s, (std::vector<double>{7 + 10, 11 + 10, 4 + 12}));
  EXPECT_EQ(ranks.distinct_loads(handle), 5U);
}

TEST_F(VirtualRanksTest, ChecksTheHottestRankAndOthersWhileTheBudgetLasts) {
  VirtualRanks ranks(layer_of_, 0, {});
  const int handle = ranks.load(plan_of({3, 4, 10, 1, 2, 2}), std::vector<std::int64_t>(3, 0));
  layer_.wrong_rows = 7;
  int bad_expert = -1;
  EXPECT_EQ(ranks.verify(handle, 5, bad_expert), 1e-7);
  EXPECT_EQ(layer_.verified, 1);
  EXPECT_EQ(ranks.verify(handle, 20, bad_expert), 0.5);
  EXPECT_EQ(bad_expert, 1);  // rank 0's second expert
}

}  // namespace
}  // namespace hotexpert
