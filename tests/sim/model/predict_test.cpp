#include "sim/model/predict.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/model/layer_law.hpp"
#include "tests/sim/model/shipped_device.hpp"

namespace hotexpert {
namespace {

LayerShape small_layer() {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 1;
  shape.d_model = 2048;
  shape.d_ff = 4096;
  shape.dtype = DataType::kBf16;
  return shape;
}

/// Every token has one row; expert e has rows[e] of them.
DispatchPlan plan_of(const std::vector<std::int64_t>& rows, std::vector<std::int32_t> ranks,
                     int num_ranks) {
  DispatchPlan plan;
  plan.slots = 1;
  plan.num_physical = static_cast<int>(rows.size());
  plan.num_ranks = num_ranks;
  plan.rank_of_expert = std::move(ranks);
  plan.expert_offsets = {0};
  for (const auto m : rows) plan.expert_offsets.push_back(plan.expert_offsets.back() + m);
  plan.tokens = plan.expert_offsets.back();
  for (std::int32_t t = 0; t < plan.tokens; ++t) plan.source_token.push_back(t);
  return plan;
}

TEST(PredictTest, OneRankIsPricedAsItsLaw) {
  const auto device = shipped_device("h100-sxm");
  const std::vector<std::int64_t> rows = {100, 0, 900, 24};
  const PhaseTimes times = predict(plan_of(rows, {}, 1), small_layer(), "grouped-sm90", device);
  const LayerCost cost =
      LayerLaw(device, small_layer(), KernelFamily::kGrouped, 4).price(1024, rows);
  EXPECT_DOUBLE_EQ(times.total_s, cost.total_s);
  EXPECT_DOUBLE_EQ(times.expert_ffn_s.value(), cost.expert_ffn_s);
  EXPECT_TRUE(times.rank_ffn_s.empty());
  EXPECT_FALSE(times.all_to_all_s.has_value());
}

TEST(PredictTest, TheSlowestRankSetsTheTotal) {
  const auto device = shipped_device("h100-sxm");
  const std::vector<std::int64_t> rows = {10, 20, 4000, 3000};
  // Experts of a rank need not be neighbours.
  const PhaseTimes times = predict(plan_of(rows, {0, 1, 1, 0}, 2), small_layer(), "padded", device);
  const LayerLaw law(device, small_layer(), KernelFamily::kPadded, 2);
  const std::vector<std::int64_t> hot = {20, 4000};
  const std::vector<std::int64_t> cool = {10, 3000};
  ASSERT_EQ(times.rank_ffn_s.size(), 2U);
  EXPECT_DOUBLE_EQ(times.rank_ffn_s[0], law.price(3010, cool).expert_ffn_s);
  EXPECT_DOUBLE_EQ(times.rank_ffn_s[1], law.price(4020, hot).expert_ffn_s);
  EXPECT_DOUBLE_EQ(times.total_s, law.price(4020, hot).total_s);
}

TEST(PredictTest, CapacityIsWhatPaddedComputes) {
  const auto device = shipped_device("h100-sxm");
  DispatchPlan plan = plan_of({10, 20, 30, 40}, {}, 1);
  plan.capacity = {512, 512, 512, 512};
  const double capped = predict(plan, small_layer(), "padded", device).total_s;
  plan.capacity.clear();
  EXPECT_GT(capped, predict(plan, small_layer(), "padded", device).total_s);
}

TEST(PredictTest, OnePercentOfSkewCostsPaddedOnePercentAndGroupedNothing) {
  const auto device = shipped_device("h100-sxm");
  const DispatchPlan plan = plan_of({60000, 20000, 20000, 20000}, {}, 1);
  const double padded = predict(plan, small_layer(), "padded", device).total_s;
  const auto of_padded = skew_price(plan, small_layer(), "padded", device);
  ASSERT_TRUE(of_padded.has_value());
  EXPECT_NEAR(of_padded->seconds / (padded / 100), 1, 0.15);
  const auto of_grouped = skew_price(plan, small_layer(), "grouped", device);
  EXPECT_NEAR(of_grouped->seconds / (padded / 100), 0, 0.1);
  // That skew is free is no more certain than the law.
  EXPECT_GT(of_grouped->error95.value(), 1e-4 * padded / 100);
  EXPECT_FALSE(
      skew_price(plan_of({50, 50, 50, 50}, {}, 1), small_layer(), "padded", device).has_value());
  EXPECT_FALSE(skew_price(plan, small_layer(), "padded", shipped_device("h200"))->error95);
  const LayerCost cost = slowest_rank_cost(plan, small_layer(), "padded", device);
  EXPECT_DOUBLE_EQ(cost.total_s, padded);
  EXPECT_GT(cost.math_s, 0.6 * cost.total_s);
}

TEST(PredictTest, SharedExpertsAddRowsThatNobodyPads) {
  const auto device = shipped_device("h100-sxm");
  const DispatchPlan plan = plan_of({10, 20, 30, 4000}, {}, 1);
  LayerShape shared = small_layer();
  shared.num_shared_experts = 2;
  for (const auto& row : kernel_families()) {
    const double without = predict(plan, small_layer(), row.name, device).total_s;
    EXPECT_GT(predict(plan, shared, row.name, device).total_s, without) << row.name;
  }
  EXPECT_EQ(computed_rows_of(plan, shared, KernelFamily::kGrouped), 4060 + 2 * 4060);
  EXPECT_EQ(computed_rows_of(plan, shared, KernelFamily::kPadded), 4 * 4000 + 2 * 4060);
  EXPECT_EQ(computed_rows_of(plan_of({10, 20, 30, 4000}, {0, 0, 1, 1}, 2), small_layer(),
                             KernelFamily::kPadded),
            2 * 20 + 2 * 4000);
}

}  // namespace
}  // namespace hotexpert
