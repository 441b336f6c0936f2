#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "sim/base/errors.hpp"
#include "sim/training/lab_model.hpp"
#include "sim/training/method_set.hpp"
#include "sim/training/methods/squared_cv.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

double squared_cv_by_definition(const std::vector<double>& x) {
  double mean = 0;
  for (const double value : x) mean += value / static_cast<double>(x.size());
  double variance = 0;
  for (const double value : x) {
    variance += (value - mean) * (value - mean) / static_cast<double>(x.size());
  }
  return variance / (mean * mean);
}

TEST(SquaredCvTest, IsPopulationVarianceOverSquaredMean) {
  for (const std::vector<double>& x :
       {std::vector<double>{1, 1, 1}, {3, 1, 2, 0}, {0, 0, 5}, {0.25, 0.5}}) {
    auto values = x;
    EXPECT_NEAR(squared_cv(values), squared_cv_by_definition(x), 1e-14);
  }
}

TEST(SquaredCvTest, OfNothingIsZeroWithoutGradient) {
  std::vector<double> x = {0, 0, 0};
  EXPECT_EQ(squared_cv(x), 0);
  EXPECT_EQ(x, (std::vector<double>{0, 0, 0}));
}

TEST(ImportanceLossTest, IsTheSquaredVariationOfGateSumsOfEachMicroBatch) {
  auto state = state_of_scores(Matrix<double>(4, 3), 2);
  state.micro_batch_tokens = 2;
  state.selection = {2, {0, 1, 0, 2, 1, 2, 1, 2}};
  state.gates = Matrix<double>(4, 2);
  state.gates.values = {0.75, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
  const auto set = make_methods<double>("importance:weight=2", {3, 2, state.score});
  RouterGradient<double> gradient;
  gradient.reset(state);
  const double expected =
      (squared_cv_by_definition({1.25, 0.25, 0.5}) + squared_cv_by_definition({0, 1, 1}));
  EXPECT_NEAR(set.losses.at(0)->add(state, gradient), expected, 1e-14);
}

/// Oracle for the load loss: draw one expert's noise again, many times, the others' held.
TEST(LoadLossTest, CountsTheChanceThatRedrawnNoiseWouldChooseAnExpert) {
  auto config = tiny_config();
  config.method = "load:weight=1";
  config.tokens = 6;
  config.micro_batches = 1;
  LabModel<double> model(config);
  const double loss = model.train_pass(0).balance;
  const auto& state = model.router_state();
  std::mt19937_64 engine(11);
  std::normal_distribution<double> normal;
  std::vector<double> load(6);
  constexpr int kDraws = 20000;
  for (std::int64_t t = 0; t < 6; ++t) {
    for (std::int64_t i = 0; i < 6; ++i) {
      std::vector<double> others;
      for (std::int64_t j = 0; j < 6; ++j) {
        if (j != i) others.push_back(state.gate_logits.at(t, j));
      }
      std::sort(others.rbegin(), others.rend());
      int chosen = 0;
      for (int draw = 0; draw < kDraws; ++draw) {
        chosen +=
            state.clean_logits.at(t, i) + normal(engine) * state.noise_std.at(t, i) > others[1];
      }
      load[static_cast<std::size_t>(i)] += static_cast<double>(chosen) / kDraws;
    }
  }
  EXPECT_NEAR(loss, squared_cv_by_definition(load), 0.02 * loss);
}

TEST(LoadLossTest, RefusesARouterThatAlwaysChoosesEveryExpert) {
  EXPECT_THROW(make_methods<float>("load", {4, 4, ScoreFunction::kSoftmax}), UsageError);
  EXPECT_THROW(make_methods<float>("quantile", {4, 4, ScoreFunction::kSoftmax}), UsageError);
}

TEST(NoisyRouterTest, AddsNoiseInTrainingOnly) {
  auto config = tiny_config();
  config.method = "importance+load";
  LabModel<double> model(config);
  model.train_pass(0);
  EXPECT_NE(model.router_state().gate_logits.values, model.router_state().clean_logits.values);
  EXPECT_NEAR(model.router_state().noise_std.values[0], std::log(2.0), 1e-12);  // softplus(0)
  model.evaluation_pass(0);
  EXPECT_EQ(model.router_state().gate_logits.values, model.router_state().clean_logits.values);
}

TEST(ZLossTest, IsTheMeanSquaredLogSumOfExponentials) {
  auto state = state_of_scores(Matrix<double>(2, 2), 1);
  state.clean_logits.values = {1.0, 2.0, -3.0, 700.0};
  const auto set = make_methods<double>("z-loss:weight=0.5", {2, 1, state.score});
  RouterGradient<double> gradient;
  gradient.reset(state);
  const double first = std::log(std::exp(1.0) + std::exp(2.0));
  EXPECT_NEAR(set.losses.at(0)->add(state, gradient), 0.5 * (first * first + 700.0 * 700.0) / 2,
              1e-9);
}

}  // namespace
}  // namespace hotexpert::training
