#include "sim/model/memory_model.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hotexpert {
namespace {

LayerShape tiny_layer() {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 2;
  shape.d_model = 10;
  shape.d_ff = 7;
  shape.dtype = DataType::kBf16;
  return shape;
}

TEST(MemoryModelTest, BytesAreWorkedByHand) {
  const std::vector<std::int64_t> rows = {3, 5};
  const auto grouped =
      rank_memory(tiny_layer(), KernelFamily::kGrouped, MemoryPass::kForward, 6, rows);
  EXPECT_EQ(grouped.weights, 2 * 3 * 10 * 7 * 2);
  EXPECT_EQ(grouped.optimizer, 0);
  EXPECT_EQ(grouped.activations, 2 * (2 * 6 * 10 + 8 * 7 * 3));
  EXPECT_EQ(grouped.dispatch, 2 * 2 * 8 * 10);
  EXPECT_EQ(grouped.total(), grouped.weights + grouped.activations + grouped.dispatch);
  const auto padded =
      rank_memory(tiny_layer(), KernelFamily::kPadded, MemoryPass::kForward, 6, rows);
  EXPECT_EQ(padded.dispatch, 2 * 2 * 10 * 10);
  const auto capped =
      rank_memory(tiny_layer(), KernelFamily::kPadded, MemoryPass::kForward, 6, rows, 20);
  EXPECT_EQ(capped.dispatch, 2 * 2 * 40 * 10);
  const auto training =
      rank_memory(tiny_layer(), KernelFamily::kGrouped, MemoryPass::kTraining, 6, rows);
  EXPECT_EQ(training.optimizer, 2 * 3 * 10 * 7 * 16);
}

TEST(MemoryModelTest, TheHottestRankIsFoundAndReplicasShareItsRows) {
  const std::vector<std::int64_t> load = {1, 1, 100, 2};
  const auto plain = peak_memory(tiny_layer(), KernelFamily::kGrouped, MemoryPass::kForward, 52,
                                 load, ExpertPlacement::contiguous(4, 2));
  EXPECT_EQ(plain.rank, 1);
  const ExpertPlacement doubled(4, 2,
                                {LogicalExpert{0}, LogicalExpert{1}, LogicalExpert{2},
                                 LogicalExpert{2}, LogicalExpert{3}, LogicalExpert{0}},
                                {Rank{0}, Rank{0}, Rank{0}, Rank{1}, Rank{1}, Rank{1}});
  const auto shared =
      peak_memory(tiny_layer(), KernelFamily::kGrouped, MemoryPass::kForward, 52, load, doubled);
  EXPECT_LT(shared.bytes.dispatch, plain.bytes.dispatch);
  EXPECT_GT(shared.bytes.weights, plain.bytes.weights);
}

TEST(MemoryModelTest, TheFirstStepThatDoesNotFitIsNamed) {
  LoadMatrix loads(3, 1, 4);
  for (std::int64_t step = 0; step < 3; ++step) loads.at(step, 0)[2] = 10 + 100 * step;
  const auto placement = ExpertPlacement::contiguous(4, 2);
  const auto need = [&](std::int64_t step) {
    return peak_memory(tiny_layer(), KernelFamily::kGrouped, MemoryPass::kForward, 100,
                       loads.at(step, 0), placement)
        .bytes.total();
  };
  const auto first = [&](double limit) {
    return first_step_that_does_not_fit(tiny_layer(), KernelFamily::kGrouped, MemoryPass::kForward,
                                        100, loads, placement, limit);
  };
  EXPECT_EQ(first(need(0)), 1);
  EXPECT_EQ(first(need(1)), 2);
  EXPECT_EQ(first(need(2)), std::nullopt);
}

TEST(MemoryModelTest, AModelStepIsTheSumOfMaximaNotTheMaximumOfSums) {
  // The hot rank moves from layer to layer: summed rank times are equal, yet every layer waits.
  const ModelStep step = model_step({{3, 1, 1}, {1, 3, 1}, {1, 1, 3}});
  EXPECT_DOUBLE_EQ(step.seconds, 9);
  EXPECT_DOUBLE_EQ(step.mean_seconds, 5);
  EXPECT_DOUBLE_EQ(step.imbalance_share, 4.0 / 9);
  EXPECT_EQ(model_step({}).imbalance_share, 0);
}

}  // namespace
}  // namespace hotexpert
