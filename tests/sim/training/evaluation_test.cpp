#include "sim/training/evaluation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/metrics/load_metrics.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/training/trained_trace.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

TEST(MutualInformationTest, IsTheEntropyWhereEachExpertHasItsOwnClass) {
  EXPECT_NEAR(mutual_information({5, 0, 0, 5}, 2), std::log(2.0), 1e-14);
  EXPECT_NEAR(mutual_information({7, 0, 0, 0, 7, 0, 0, 0, 7}, 3), std::log(3.0), 1e-14);
}

TEST(MutualInformationTest, IsZeroWhereRoutingIgnoresTheClass) {
  EXPECT_NEAR(mutual_information({2, 6, 3, 9}, 2), 0, 1e-14);
  EXPECT_EQ(mutual_information({0, 0, 0, 0}, 2), 0);
}

TEST(MutualInformationTest, MatchesASumByHand) {
  // p = 3/8, 1/8, 1/8, 3/8; marginals 1/2 each.
  const double expected = 2 * (0.375 * std::log(1.5) + 0.125 * std::log(0.5));
  EXPECT_NEAR(mutual_information({3, 1, 1, 3}, 2), expected, 1e-14);
}

TEST(EvaluationTest, DropsAreThoseOfTheDispatchPlanner) {
  auto config = small_config();
  LabModel<float> model(config);
  const auto evaluation = evaluate(model, {Decimal(1, 0), Decimal(125, 2)});
  for (const auto& drop : evaluation.drops) {
    CapacityPolicy policy;
    policy.factor = drop.factor;
    policy.rule = "megatron";
    double expected = 0;
    BatchBuffer buffer;
    for (std::int64_t b = 0; b < config.evaluation_batches; ++b) {
      const auto batch = evaluation.trace->read(b, 0, buffer);
      const auto plan =
          plan_dispatch(batch, ExpertPlacement::contiguous(config.num_experts, 1), policy);
      expected +=
          static_cast<double>(plan.dropped.size()) / static_cast<double>(batch.assignments());
    }
    EXPECT_GT(drop.fraction, 0);
    EXPECT_NEAR(drop.fraction, expected / static_cast<double>(config.evaluation_batches), 1e-12);
  }
}

TEST(EvaluationTest, TheTraceHoldsTheLoadsItReports) {
  for (const char* method : {"megatron", "bias", "expert-choice", "sinkhorn"}) {
    auto config = small_config();
    config.method = method;
    LabModel<float> model(config);
    const auto evaluation = evaluate(model, {});
    ASSERT_EQ(evaluation.trace->info().steps, config.evaluation_batches);
    BatchBuffer buffer;
    for (std::int64_t b = 0; b < config.evaluation_batches; ++b) {
      const auto batch = evaluation.trace->read(b, 0, buffer);
      const auto faults = check_batch(batch);
      EXPECT_EQ(faults.out_of_range + faults.duplicate_tokens, 0) << method;
      std::vector<std::int64_t> load(8);
      count_load(batch, load);
      const auto reported = evaluation.load.at(b, 0);
      EXPECT_TRUE(std::equal(load.begin(), load.end(), reported.begin())) << method;
      const auto slots = static_cast<std::size_t>(batch.slots);
      for (std::size_t i = 0; i + 1 < batch.topk_ids.size(); ++i) {
        if (i % slots + 1 == slots) continue;
        EXPECT_GE(batch.topk_weights[i], batch.topk_weights[i + 1]) << method;
        EXPECT_TRUE(batch.topk_ids[i] >= 0 || batch.topk_ids[i + 1] < 0) << method;
      }
    }
  }
}

TEST(EvaluationTest, SeesWhenAllExpertsAreOne) {
  LabModel<float> model(small_config());
  EXPECT_LT(std::abs(evaluate(model, {}).output_similarity), 0.3);
  for (int i = 1; i < 8; ++i) {
    model.experts().parameters(i).value = model.experts().parameters(0).value;
  }
  EXPECT_NEAR(evaluate(model, {}).output_similarity, 1, 1e-5);
}

TEST(TrainedTraceTest, PadsBatchesWhoseTokensHaveFewerExperts) {
  TrainedTrace trace("t", 3, 1);
  auto state = state_of_scores(Matrix<double>(2, 3), 1);
  state.selection = {1, {2, 0}};
  state.gates = Matrix<double>(2, 1);
  state.gates.values = {0.5, 0.25};
  trace.append(state);
  state.selection = {2, {0, 1, -1, -1}};
  state.gates = Matrix<double>(2, 2);
  state.gates.values = {0.25, 0.75, 0, 0};
  trace.append(state);
  EXPECT_EQ(trace.info().slots, 2);
  BatchBuffer buffer;
  const auto first = trace.read(0, 0, buffer);
  EXPECT_EQ(std::vector<StoredExpert>(first.topk_ids.begin(), first.topk_ids.end()),
            (std::vector<StoredExpert>{2, -1, 0, -1}));
  const auto second = trace.read(1, 0, buffer);
  EXPECT_EQ(std::vector<StoredExpert>(second.topk_ids.begin(), second.topk_ids.end()),
            (std::vector<StoredExpert>{1, 0, -1, -1}));
  EXPECT_EQ(second.topk_weights[0], 0.75F);
}

}  // namespace
}  // namespace hotexpert::training
