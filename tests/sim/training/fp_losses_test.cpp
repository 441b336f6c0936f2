#include "sim/training/methods/fp_losses.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "sim/training/method_set.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
void PrintTo(const FpConvention& convention, std::ostream* out) { *out << convention.name; }

namespace {

double loss_of(const std::string& method, const RouterState<double>& state) {
  const auto set = make_methods<double>(method, {state.num_experts, state.top_k, state.score});
  RouterGradient<double> gradient;
  gradient.reset(state);
  return set.losses.at(0)->add(state, gradient);
}

/// 8 tokens on 4 experts, equal scores; the counted choices go around, so every count is equal.
RouterState<double> balanced_state(int top_k) {
  Matrix<double> scores(8, 4);
  std::fill(scores.values.begin(), scores.values.end(), 0.25);
  auto state = state_of_scores(scores, top_k);
  state.sequence_tokens = 4;
  for (int t = 0; t < 8; ++t) {
    for (int slot = 0; slot < top_k; ++slot) state.plain_topk.push_back((t + slot) % 4);
  }
  state.selection = {top_k, state.plain_topk};
  return state;
}

class BalancedValueTest : public testing::TestWithParam<FpConvention> {};

TEST_P(BalancedValueTest, IsTheValueOfThePublishedConvention) {
  const std::string name(GetParam().name);
  for (const int top_k : {1, 2, 3}) {
    const auto state = balanced_state(top_k);
    const double expected = name == "mixtral-hf" ? top_k : 1;
    EXPECT_NEAR(loss_of(name + ":weight=1", state), expected, 1e-14);
    EXPECT_NEAR(loss_of(name + ":weight=0.01", state), 0.01 * expected, 1e-15);
    EXPECT_EQ(balanced_value(GetParam(), top_k), expected);
  }
}

std::string test_name(const testing::TestParamInfo<FpConvention>& convention) {
  std::string name(convention.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Conventions, BalancedValueTest, testing::ValuesIn(kFpConventions),
                         test_name);

/// Two tokens that prefer expert 0 over 1, two that prefer 2 over 0; E = 3, k = 2. By hand:
///   first choices (2, 0, 2) / 4, all choices c = (4, 2, 2), P = (0.45, 0.2, 0.35)
RouterState<double> hand_state() {
  Matrix<double> scores(4, 3);
  scores.values = {0.6, 0.3, 0.1, 0.6, 0.3, 0.1, 0.3, 0.1, 0.6, 0.3, 0.1, 0.6};
  auto state = state_of_scores(scores, 2);
  state.plain_topk = {0, 1, 0, 1, 2, 0, 2, 0};
  state.selection = {2, state.plain_topk};
  state.sequence_tokens = 2;
  state.micro_batch_tokens = 4;
  return state;
}

TEST(FpLossTest, CountsFirstOrAllChoicesAsTheConventionSays) {
  const auto state = hand_state();
  EXPECT_NEAR(loss_of("switch:weight=1", state), 3 * (0.5 * 0.45 + 0.5 * 0.35), 1e-14);
  EXPECT_NEAR(loss_of("megatron:weight=1", state), 3 * (0.5 * 0.45 + 0.25 * 0.2 + 0.25 * 0.35),
              1e-14);
  EXPECT_NEAR(loss_of("deepseek:weight=1", state), loss_of("megatron:weight=1", state), 1e-14);
  EXPECT_NEAR(loss_of("mixtral-hf:weight=1", state), 2 * loss_of("megatron:weight=1", state),
              1e-14);
}

TEST(FpLossTest, ScopesAreAveragedAfterTheirOwnProduct) {
  const auto state = hand_state();
  // Sequence 1: first choices (1, 0, 0), P = (0.6, 0.3, 0.1). Sequence 2: (0, 0, 1), 0.6 on 2.
  EXPECT_NEAR(loss_of("gshard:weight=1", state), 3 * 0.6, 1e-14);
  EXPECT_NEAR(loss_of("sequence:weight=1", state), 3 * (0.5 * 0.6 + 0.5 * 0.3), 1e-14);
}

TEST(FpLossTest, GlobalBatchCountsOverEveryMicroBatch) {
  auto state = hand_state();
  state.micro_batch_tokens = 2;
  const double global = 3 * (0.5 * 0.45 + 0.25 * 0.2 + 0.25 * 0.35);
  EXPECT_NEAR(loss_of("global-batch:weight=1", state), global, 1e-14);
  EXPECT_NEAR(loss_of("megatron:weight=1", state), 3 * (0.5 * 0.6 + 0.5 * 0.3), 1e-14);
  EXPECT_GT(loss_of("megatron:weight=1", state), global);
}

TEST(FpLossTest, SigmoidScoresArePulledBelowTheMinimumOnlyWhereTheyAreNotNormalised) {
  auto state = hand_state();
  state.score = ScoreFunction::kSigmoid;
  for (double& score : state.scores.values) score *= 0.1;
  EXPECT_LT(loss_of("megatron:weight=1", state), 0.2);
  EXPECT_NEAR(loss_of("deepseek:weight=1", state), 3 * (0.5 * 0.45 + 0.25 * 0.2 + 0.25 * 0.35),
              1e-14);
}

TEST(FpLossTest, IgnoresWhereABiasSendsTokens) {
  auto state = hand_state();
  const double before = loss_of("megatron:weight=1", state);
  state.selection.ids = {2, 1, 2, 1, 2, 1, 2, 1};
  EXPECT_EQ(loss_of("megatron:weight=1", state), before);
}

}  // namespace
}  // namespace hotexpert::training
