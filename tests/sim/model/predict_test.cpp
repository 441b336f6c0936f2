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

}  // namespace
}  // namespace hotexpert
