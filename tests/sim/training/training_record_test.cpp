#include "sim/training/training_record.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

TrainingRecord one_step(const TrainConfig& config) {
  LabModel<float> model(config);
  TrainingRecord record;
  record_step(model, 0, model.train_pass(0), record);
  return record;
}

TEST(TrainingRecordTest, HoldsLoadsThatAddUpToEveryAssignment) {
  const auto config = small_config();
  const auto record = one_step(config);
  EXPECT_EQ(std::accumulate(record.load.begin(), record.load.end(), 0LL), 256 * 2);
  EXPECT_EQ(record.load_matrix().at(0, 0).size(), 8U);
  EXPECT_EQ(record.kept_load, record.load);
  EXPECT_EQ(record.steps[0].drop_fraction, 0);
  const double hottest =
      static_cast<double>(*std::max_element(record.load.begin(), record.load.end()));
  EXPECT_NEAR(record.steps[0].max_over_mean, hottest / 64, 1e-14);
  EXPECT_NEAR(record.steps[0].hottest_share, hottest / 512, 1e-14);
}

TEST(TrainingRecordTest, CountsWhatACapacityDrops) {
  auto config = small_config();
  config.capacity_factor = Decimal(1, 0);
  const auto record = one_step(config);
  const auto kept = std::accumulate(record.kept_load.begin(), record.kept_load.end(), 0LL);
  EXPECT_GT(record.steps[0].drop_fraction, 0);
  EXPECT_NEAR(record.steps[0].drop_fraction, 1 - static_cast<double>(kept) / 512, 1e-14);
}

TEST(TrainingRecordTest, RouterEntropyOfEqualScoresIsThatOfAllExperts) {
  auto config = small_config();
  config.router_init_std = 0;
  EXPECT_NEAR(one_step(config).steps[0].router_entropy, std::log(8.0), 1e-6);
}

TEST(TrainingRecordTest, HottestAndOtherLossesAverageToTheTaskLoss) {
  const auto record = one_step(small_config());
  const auto& step = record.steps[0];
  const double share =
      static_cast<double>(record.load[static_cast<std::size_t>(step.hottest_expert)]) / 256;
  EXPECT_NEAR(share * step.hottest_loss + (1 - share) * step.other_loss, step.task_loss, 1e-6);
}

TEST(TrainingRecordTest, SeesALossBelowItsMinimumWhileLoadsAreSkewed) {
  auto config = small_config();
  config.router_init_std = 1;
  config.score = ScoreFunction::kSigmoid;
  config.method = "megatron";
  LabModel<float> model(config);
  TrainingRecord record;
  auto losses = model.train_pass(0);
  record_step(model, 0, losses, record);
  EXPECT_GT(record.steps[0].max_over_mean, 1.25);
  EXPECT_EQ(record.steps[0].loss_hacked, 0);  // E/2 at scores of 1/2: far above 1
  losses.balance_term[0] = 0.98 * 0.01;
  record_step(model, 1, losses, record);
  EXPECT_EQ(record.steps[1].loss_hacked, 1);
}

}  // namespace
}  // namespace hotexpert::training
