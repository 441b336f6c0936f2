#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "kernels/cuda/plan/router_top_k_phases.hpp"
#include "tests/kernels/cuda/host_block.hpp"
#include "tests/support/random_rows.hpp"

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

/// One thread after another, without the lists a shuffled block keeps.
struct PlainBlock {
  template <class Body>
  void each(int count, const Body& body) const {
    for (int thread = 0; thread < count; ++thread) body(thread);
  }
};

/// Rows with NaN, infinities, ties, negative and huge logits, rows of NaN alone and k = E.
TEST(RouterTopKTest, AlwaysGivesDistinctIdsInRangeOrACountedInvalidToken) {
  RandomStream stream({1, RandomPurpose::kTest, 0, 0}, 0);
  const long rows = testing_support::random_rows(200'000);
  constexpr std::size_t kMostExperts = 12;
  constexpr float kPick[] = {kNan, kInfinity, -kInfinity, 0.0F, -0.0F, 1.0F, -3e38F, 3e38F};
  std::array<float, kMostExperts> logits{};
  std::array<float, kMostExperts> weight{};
  std::array<std::int32_t, kMostExperts> expert{};
  std::array<std::uint32_t, kMostExperts> order{};
  long invalid_rows = 0;
  long faults = 0;
  for (long row = 0; row < rows; ++row) {
    const std::uint32_t bits = stream.next();
    const int experts = 1 + static_cast<int>(bits % kMostExperts);
    const bool every_expert = (bits >> 8 & 3U) == 0;
    const int top_k = every_expert
                          ? experts
                          : 1 + static_cast<int>((bits >> 10) % static_cast<unsigned>(experts));
    const bool all_nan = (bits >> 20 & 31U) == 0;
    int numbers = 0;
    for (int e = 0, digits = static_cast<int>(bits >> 1); e < experts; ++e) {
      digits = static_cast<int>((static_cast<std::uint32_t>(digits) * 1664525U + 1013904223U) >> 1);
      const bool strange = (digits >> 28 & 3) == 0;
      auto& logit = logits[static_cast<std::size_t>(e)];
      logit = all_nan ? kNan : strange ? kPick[digits >> 20 & 7] : static_cast<float>(digits >> 24);
      numbers += std::isnan(logit) ? 0 : 1;
    }
    std::int32_t invalid = -7;
    route_token(PlainBlock{},
                RouterTopK{logits.data(), experts, top_k, static_cast<RouterScore>(row % 3),
                           expert.data(), weight.data(), &invalid},
                0, order.data());
    faults += invalid != (numbers < top_k ? 1 : 0) ? 1 : 0;
    invalid_rows += invalid;
    std::uint32_t seen = 0;
    for (int s = 0; s < top_k; ++s) {
      const float share = weight[static_cast<std::size_t>(s)];
      const std::int32_t id = expert[static_cast<std::size_t>(s)];
      const bool in_range = id >= 0 && id < experts && (seen >> (id & 31) & 1U) == 0;
      faults += share >= 0.0F && share <= 1.0001F ? 0 : 1;
      faults += (invalid != 0 ? id == -1 : in_range) ? 0 : 1;
      seen |= 1U << (id & 31);
    }
  }
  EXPECT_EQ(faults, 0);
  EXPECT_GT(invalid_rows, rows / 50);
  EXPECT_LT(invalid_rows, rows);
}

}  // namespace
}  // namespace hotexpert
