// The trends the router lab is built to show, on a lab small enough for a test (E = 8, k = 2, 400
// steps), as means over three seeds. The default lab, with intervals over five seeds, is in
// tests/scenarios/lab_trends_test.cpp.
#include <gtest/gtest.h>

#include <string>

#include "sim/training/trainer.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

/// Means over three seeds.
struct End {
  double max_over_mean = 0;  ///< held-out
  double task_loss = 0;      ///< held-out
  double max_vio = 0;        ///< of the last training steps
  double starved_share = 0;
  double bias_cycle = 0;
};

End end_of(const std::string& method) {
  End end;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    auto config = small_config();
    config.method = method;
    config.seed = seed;
    const auto run = train(config);
    EXPECT_FALSE(run.failure) << method;
    if (run.failure) return end;
    end.max_over_mean += run.evaluation->max_over_mean / 3;
    end.task_loss += run.evaluation->task_loss / 3;
    end.max_vio += run.summary->max_vio / 3;
    end.starved_share += run.summary->starved_share / 3;
    end.bias_cycle += run.summary->bias_cycle.value_or(0) / 3;
  }
  return end;
}

TEST(TrendsTest, WithoutBalancingTheRouterCollapsesAndWastesExperts) {
  const auto none = end_of("none");
  EXPECT_GT(none.max_over_mean, 2.0) << "of at most E / k = 4";
  EXPECT_GT(none.starved_share, 0.1);
}

TEST(TrendsTest, ImportanceAndLoadRestoreBalance) {
  const auto both = end_of("importance+load");
  EXPECT_LT(both.max_over_mean, 1.3);
  EXPECT_EQ(both.starved_share, 0);
}

TEST(TrendsTest, MaxVioFallsWithTheWeightAndTaskLossIsUShaped) {
  const auto weak = end_of("megatron:weight=0.001");
  const auto middle = end_of("megatron:weight=0.01");
  const auto strong = end_of("megatron:weight=0.1");
  const auto too_strong = end_of("megatron:weight=10");
  EXPECT_GT(weak.max_vio, 1.5 * middle.max_vio);
  EXPECT_GT(middle.max_vio, 1.5 * strong.max_vio);
  EXPECT_GT(weak.task_loss, strong.task_loss);
  EXPECT_GT(too_strong.task_loss, 1.3 * strong.task_loss);
}

TEST(TrendsTest, ABiasIsMoreBalancedThanAnEqualAuxiliaryWeightAtNoWorseLoss) {
  const auto bias = end_of("bias:u=0.001");
  const auto loss = end_of("megatron:weight=0.001");
  EXPECT_LT(bias.max_vio, 0.5 * loss.max_vio);
  EXPECT_LE(bias.task_loss, loss.task_loss);
}

TEST(TrendsTest, TheLimitCycleGrowsWithTheStepOfTheBias) {
  const auto small = end_of("bias:u=0.001");
  const auto large = end_of("bias:u=0.01");
  EXPECT_GT(large.bias_cycle, 3 * small.bias_cycle);
  EXPECT_GT(large.max_vio, small.max_vio);
}

}  // namespace
}  // namespace hotexpert::training
