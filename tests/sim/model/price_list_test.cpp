#include "sim/model/price_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/base/errors.hpp"
#include "tests/sim/model/shipped_device.hpp"

namespace hotexpert {
namespace {

PriceQuestion qwen3_on(int ranks, KernelFamily family = KernelFamily::kGrouped) {
  PriceQuestion question;
  question.shape.num_experts = 128;
  question.shape.top_k = 8;
  question.shape.d_model = 2048;
  question.shape.d_ff = 768;
  question.shape.dtype = DataType::kBf16;
  question.family = family;
  question.ranks = ranks;
  question.draws = 4;
  return question;
}

TEST(PriceListTest, OnOneRankSkewSavesAtSmallBatchesAndCostsLittleAtLargeOnes) {
  const auto device = shipped_device("h100-sxm");
  const auto cells = price_list(device, qwen3_on(1), {16, 64, 4096, 16384}, {13});
  EXPECT_LT(cells[0].ratio, 0.6);
  EXPECT_LT(cells[1].ratio, 0.95);
  EXPECT_GT(cells[2].ratio, 1.0);
  EXPECT_LT(cells[3].ratio, 1.36);
  EXPECT_EQ(crossover_tokens(cells, 13), 64);
  EXPECT_EQ(cells[0].binding, Binding::kMemory);
}

TEST(PriceListTest, ExpertParallelComputeBoundRanksAreStragglers) {
  PriceQuestion mixtral;
  mixtral.shape.num_experts = 8;
  mixtral.shape.top_k = 2;
  mixtral.shape.d_model = 4096;
  mixtral.shape.d_ff = 14336;
  mixtral.shape.dtype = DataType::kBf16;
  mixtral.ranks = 8;
  mixtral.draws = 4;
  const auto cells = price_list(shipped_device("h100-sxm"), mixtral, {8, 16384}, {2, 3.9});
  EXPECT_NEAR(cells[0].ratio, 1, 0.05);  // memory-bound: skew changes nothing
  EXPECT_NEAR(cells[1].ratio, 1, 0.05);
  EXPECT_EQ(cells[3].binding, Binding::kStraggler);
  EXPECT_GT(cells[3].ratio, 3.5);  // published: 3.5 to 4.7
  EXPECT_LT(cells[3].ratio, 5.0);
  EXPECT_GT(cells[3].seconds_per_percent, 2 * cells[3].seconds_per_percent_error.value());
}

TEST(PriceListTest, PaddedPaysForTheHottestExpert) {
  const auto cells = price_list(shipped_device("h100-sxm"), qwen3_on(1, KernelFamily::kPadded),
                                {8192}, {1, 2, 4, 8});
  for (std::size_t i = 1; i < cells.size(); ++i) EXPECT_GT(cells[i].ratio, cells[i - 1].ratio);
  // Four times the padded rows; reading tokens and combining them stays.
  EXPECT_GT(cells[3].ratio / cells[1].ratio, 3);
  EXPECT_LT(cells[3].ratio / cells[1].ratio, 4);
  // One percent of a time that is proportional to max/mean is a hundredth of it.
  EXPECT_NEAR(cells[3].seconds_per_percent / (cells[3].seconds / 100), 1, 0.15);
}

TEST(PriceListTest, WhereSkewIsFreeThePriceIsNotCertain) {
  const auto device = shipped_device("h100-sxm");
  const auto cells = price_list(device, qwen3_on(1), {256}, {2});
  EXPECT_LT(std::abs(cells[0].seconds_per_percent), 1e-3 * cells[0].seconds);
  const double of_the_law = device.held_out_elasticity_error * cells[0].seconds / 100;
  EXPECT_GE(cells[0].seconds_per_percent_error.value(), of_the_law);
  EXPECT_LT(cells[0].ratio_ci95->low, 1);
  EXPECT_GT(cells[0].ratio_ci95->high, 1);
  // A device that nothing was compared with has prices without intervals.
  const auto unknown = price_list(shipped_device("h200"), qwen3_on(1), {256}, {2});
  EXPECT_FALSE(unknown[0].seconds_per_percent_error.has_value());
  EXPECT_FALSE(unknown[0].ratio_ci95.has_value());
}

TEST(PriceListTest, WhatBindsIsTheLargestOfTheCauses) {
  const auto cells = price_list(shipped_device("h100-sxm"), qwen3_on(8), {16, 16384}, {15});
  for (const auto& cell : cells) {
    const double largest = *std::max_element(cell.cause_s.begin(), cell.cause_s.end());
    EXPECT_EQ(cell.cause_s[static_cast<std::size_t>(cell.binding)], largest);
  }
  EXPECT_EQ(cells[1].binding, Binding::kStraggler);
  EXPECT_NEAR(cells[1].cause_s[4], cells[1].seconds - cells[1].balanced_seconds, 1e-12);
}

TEST(PriceListTest, RanksThatDoNotDivideTheExpertsAreRefused) {
  EXPECT_THROW((void)price_list(shipped_device("h100-sxm"), qwen3_on(3), {8}, {2}), UsageError);
}

}  // namespace
}  // namespace hotexpert
