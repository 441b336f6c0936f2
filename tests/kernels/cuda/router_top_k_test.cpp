#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "kernels/cuda/plan/router_top_k_phases.hpp"
#include "tests/kernels/cuda/host_block.hpp"

namespace hotexpert {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Routed {
  std::vector<std::int32_t> expert;
  std::vector<float> weight;
  std::int32_t invalid = -7;
};

Routed route(const std::vector<float>& logits, int top_k,
             RouterScore score = RouterScore::kSoftmax) {
  Routed out;
  out.expert.assign(static_cast<std::size_t>(top_k), -7);
  out.weight.assign(static_cast<std::size_t>(top_k), kNan);
  std::vector<std::uint32_t> order(logits.size());
  const RouterTopK router{logits.data(),
                          static_cast<int>(logits.size()),
                          top_k,
                          score,
                          out.expert.data(),
                          out.weight.data(),
                          &out.invalid};
  route_token(test::HostBlock{test::ThreadOrder::kShuffled}, router, 0, order.data());
  return out;
}

TEST(RouterTopKTest, ChoosesTheHighestLogitsTiesByLowerNumber) {
  const auto out = route({1.0F, 3.0F, 3.0F, -2.0F, 3.0F}, 3);
  EXPECT_EQ(out.expert, (std::vector<std::int32_t>{1, 2, 4}));
  EXPECT_EQ(out.invalid, 0);
}

TEST(RouterTopKTest, ZeroesOfBothSignsAreEqual) {
  EXPECT_EQ(route({-0.0F, 0.0F}, 2).expert, (std::vector<std::int32_t>{0, 1}));
}

TEST(RouterTopKTest, SoftmaxWeightsAreSharesOfAllExperts) {
  const std::vector<float> logits = {0.5F, -1.0F, 2.0F, 0.0F};
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x));
  const auto out = route(logits, 2);
  EXPECT_NEAR(out.weight[0], std::exp(2.0) / sum, 1e-6);
  EXPECT_NEAR(out.weight[1], std::exp(0.5) / sum, 1e-6);
  const auto chosen = route(logits, 2, RouterScore::kSoftmaxChosen);
  EXPECT_NEAR(chosen.weight[0] + chosen.weight[1], 1.0, 1e-6);
  EXPECT_NEAR(chosen.weight[0] / chosen.weight[1], std::exp(1.5), 1e-4);
}

TEST(RouterTopKTest, SigmoidWeightsSumToOne) {
  const auto out = route({0.0F, 2.0F, -200.0F}, 3, RouterScore::kSigmoid);
  EXPECT_EQ(out.expert, (std::vector<std::int32_t>{1, 0, 2}));
  EXPECT_NEAR(out.weight[0] + out.weight[1] + out.weight[2], 1.0, 1e-6);
  const auto flat = route({-1e4F, -1e4F}, 2, RouterScore::kSigmoid);
  EXPECT_EQ(flat.weight, (std::vector<float>{0.5F, 0.5F}));
}

TEST(RouterTopKTest, NanIsChosenLastAndTooManyMakeTheTokenInvalid) {
  const auto enough = route({kNan, 1.0F, kNan, 0.0F}, 2);
  EXPECT_EQ(enough.expert, (std::vector<std::int32_t>{1, 3}));
  EXPECT_EQ(enough.invalid, 0);
  EXPECT_NEAR(enough.weight[0] + enough.weight[1], 1.0, 1e-6);
  const auto few = route({kNan, 1.0F, kNan, kNan}, 2);
  EXPECT_EQ(few.expert, (std::vector<std::int32_t>{-1, -1}));
  EXPECT_EQ(few.weight, (std::vector<float>{0.0F, 0.0F}));
  EXPECT_EQ(few.invalid, 1);
}

TEST(RouterTopKTest, InfiniteLogitsShareEverything) {
  const auto out = route({kInfinity, 0.0F, kInfinity, -kInfinity}, 3);
  EXPECT_EQ(out.expert, (std::vector<std::int32_t>{0, 2, 1}));
  EXPECT_EQ(out.weight, (std::vector<float>{0.5F, 0.5F, 0.0F}));
}

TEST(RouterTopKTest, AlwaysGivesDistinctIdsInRangeOrACountedInvalidToken) {
  RandomStream stream({1, RandomPurpose::kTest, 0, 0}, 0);
  int invalid = 0;
  constexpr int kTokens = 20000;
  for (int token = 0; token < kTokens; ++token) {
    const auto experts = 1 + stream.below(12);
    const auto top_k = static_cast<int>(1 + stream.below(experts));
    std::vector<float> logits;
    int numbers = 0;
    for (std::uint32_t e = 0; e < experts; ++e) {
      const auto kind = stream.below(8);
      const float pick[] = {kNan, kInfinity, -kInfinity, 0.0F, -0.0F, 1.0F};
      logits.push_back(kind < 6 ? pick[kind] : static_cast<float>(stream.normal()));
      numbers += std::isnan(logits.back()) ? 0 : 1;
    }
    const auto score = static_cast<RouterScore>(stream.below(3));
    const auto out = route(logits, top_k, score);
    ASSERT_EQ(out.invalid, numbers < top_k ? 1 : 0);
    invalid += out.invalid;
    for (const float weight : out.weight) ASSERT_TRUE(weight >= 0.0F && weight <= 1.0001F);
    if (out.invalid != 0) continue;
    const std::set<std::int32_t> distinct(out.expert.begin(), out.expert.end());
    ASSERT_EQ(distinct.size(), out.expert.size());
    ASSERT_GE(*distinct.begin(), 0);
    ASSERT_LT(*distinct.rbegin(), static_cast<std::int32_t>(experts));
  }
  EXPECT_GT(invalid, 0);
  EXPECT_LT(invalid, kTokens);
}

}  // namespace
}  // namespace hotexpert
