#include "sim/training/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <thread>

#include "sim/base/errors.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

using testing::HasSubstr;

std::vector<std::byte> state_after(const TrainConfig& config) {
  Trainer trainer(config);
  while (trainer.advance()) {
  }
  EXPECT_FALSE(trainer.failure());
  return trainer.checkpoint();
}

TrainConfig short_config(const std::string& method) {
  auto config = small_config();
  config.method = method;
  config.steps = 20;
  return config;
}

TEST(TrainerTest, SameSeedSameBytesOnAnyNumberOfThreads) {
  const std::vector<TrainConfig> configs = {short_config("none"), short_config("bias+sequence"),
                                            short_config("importance+load"),
                                            short_config("expert-choice")};
  std::vector<std::vector<std::byte>> alone;
  for (const auto& config : configs) alone.push_back(state_after(config));
  std::vector<std::vector<std::byte>> together(configs.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    threads.emplace_back([&, i] { together[i] = state_after(configs[i]); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(alone, together);
  auto other = configs[0];
  other.seed += 1;
  EXPECT_NE(state_after(other), alone[0]);
}

class ResumeTest : public testing::TestWithParam<const char*> {};

TEST_P(ResumeTest, EndsInTheBytesOfAnUninterruptedRun) {
  auto config = short_config(GetParam());
  if (std::string(GetParam()) == "megatron") config.optimizer.kind = OptimizerKind::kSgd;
  Trainer first(config);
  for (int step = 0; step < 7; ++step) first.advance();
  const auto saved = first.checkpoint();
  Trainer second(config);
  second.restore(saved);
  EXPECT_EQ(second.record().size(), 7);
  while (second.advance()) {
  }
  EXPECT_EQ(second.checkpoint(), state_after(config));
}

INSTANTIATE_TEST_SUITE_P(Methods, ResumeTest,
                         testing::Values("none", "megatron", "bias", "quantile",
                                         "importance+load"));

TEST(CheckpointTest, RefusesDamagedBytesAndOtherConfigurations) {
  const auto config = short_config("bias");
  Trainer trainer(config);
  trainer.advance();
  auto bytes = trainer.checkpoint();
  auto other = config;
  other.optimizer.learning_rate *= 2;
  const auto message = [](const TrainConfig& c, std::span<const std::byte> saved) {
    try {
      Trainer(c).restore(saved);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message(config, bytes), "no error");
  EXPECT_THAT(message(other, bytes), HasSubstr("another configuration"));
  EXPECT_THAT(message(config, std::span(bytes).first(bytes.size() - 1)), HasSubstr("damaged"));
  EXPECT_THAT(message(config, {}), HasSubstr("damaged"));
  bytes.push_back(std::byte{0});
  EXPECT_THAT(message(config, bytes), HasSubstr("damaged"));
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max() / 2;
  std::memcpy(bytes.data(), &huge, sizeof huge);
  EXPECT_THAT(message(config, bytes), HasSubstr("damaged"));
}

TEST(DivergenceTest, EndsTheRunWithStepAndCause) {
  auto config = small_config();
  config.optimizer.kind = OptimizerKind::kSgd;
  config.optimizer.learning_rate = 1e6;
  const auto run = train(config);
  ASSERT_TRUE(run.failure);
  EXPECT_GT(run.failure->step, 0);
  EXPECT_EQ(run.failure->step, run.record.size());
  EXPECT_FALSE(run.failure->cause.empty());
  EXPECT_FALSE(run.summary);
  EXPECT_FALSE(run.evaluation);
}

TEST(DivergenceTest, NamesALogitThatIsNotFinite) {
  Trainer trainer(small_config());
  trainer.model().blocks().front()->value[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(trainer.advance());
  EXPECT_EQ(trainer.failure()->step, 0);
  EXPECT_EQ(trainer.failure()->cause, "a router logit is not finite");
}

TEST(DivergenceTest, NamesAnExpertsWeightThatIsNotFinite) {
  Trainer trainer(small_config());
  trainer.model().experts().parameters(0).value[0] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(trainer.advance());
  EXPECT_EQ(trainer.failure()->cause, "the task loss is not finite");
}

TEST(TrainTest, ReportsEachStepAndTheEnd) {
  int calls = 0;
  const auto run = train(short_config("megatron"), default_capacity_factors(),
                         [&](const StepMeasures& step) { EXPECT_EQ(step.step, calls++); });
  EXPECT_EQ(calls, 20);
  ASSERT_TRUE(run.summary);
  ASSERT_TRUE(run.evaluation);
  EXPECT_EQ(run.evaluation->drops.size(), 4U);
  EXPECT_THAT(run.method, HasSubstr("megatron: weight = 0.01 in"));
}

}  // namespace
}  // namespace hotexpert::training
