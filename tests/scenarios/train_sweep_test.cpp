#include "scenarios/runner/train_sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "reports/run_store.hpp"
#include "scenarios/runner/train_checkpoint.hpp"
#include "scenarios/runner/train_timing.hpp"
#include "sim/base/errors.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;

/// Three methods x two weights x two seeds of a lab that trains in a blink.
Scenario small_scenario() {
  Scenario scenario;
  scenario.title = "small lab";
  for (const auto& [axis, values] : std::initializer_list<std::pair<const char*, const char*>>{
           {"seed", "1,2"},
           {"train.method", "none,megatron,bias"},
           {"train.weight", "0.01,0.1"},
           {"train.experts", "8"},
           {"train.d_model", "16"},
           {"train.d_ff", "16"},
           {"train.tokens", "256"},
           {"train.sequence_tokens", "16"},
           {"train.steps", "60"},
           {"backend", "none"}}) {
    scenario.set(axis, values, "");
  }
  return scenario;
}

TrainOptions options_of(const std::string& dir, int threads = 2) {
  TrainOptions options;
  options.run_dir = dir;
  options.threads = threads;
  return options;
}

/// The points of a run as text, in an order that does not depend on which core was first.
std::vector<std::string> points_of(const std::string& dir) {
  std::vector<std::string> lines;
  for (const auto& result : read_run(dir).points) lines.push_back(to_json(result).dump());
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(TrainSweepTest, PointsAreTheSameForAnyNumberOfThreads) {
  const auto one = fresh_folder("one");
  const auto three = fresh_folder("three");
  const auto summary = run_training(small_scenario(), options_of(one, 1));
  EXPECT_EQ(summary.ok, 10);
  EXPECT_EQ(summary.total, 10);
  (void)run_training(small_scenario(), options_of(three, 3));
  EXPECT_EQ(points_of(one), points_of(three));
}

TEST(TrainSweepTest, AStoppedRunGoesOnFromItsCheckpointsToTheSameBytes) {
  const auto whole = fresh_folder("whole");
  (void)run_training(small_scenario(), options_of(whole));
  const auto dir = fresh_folder("stopped");
  auto options = options_of(dir);
  std::int64_t seen = 0;
  options.on_progress = [&](const TrainProgress& now) { seen = now.done; };
  options.should_stop = [&] { return seen >= 2; };
  const auto first = run_training(small_scenario(), options);
  EXPECT_TRUE(first.stopped);
  EXPECT_LT(first.ok, 10);
  options.should_stop = {};
  options.resume = true;
  const auto second = run_training(small_scenario(), options);
  EXPECT_EQ(second.reused, first.ok);
  EXPECT_EQ(second.ok + second.reused, 10);
  EXPECT_EQ(points_of(dir), points_of(whole));
  EXPECT_FALSE(std::filesystem::exists(dir + "/checkpoints")) << "finished points need none";
}

TEST(TrainSweepTest, AHalfTrainedPointIsNotTrainedAgainFromItsStart) {
  auto scenario = small_scenario();
  scenario.set("train.method", "bias", "");
  scenario.set("train.weight", "0.01", "");
  scenario.set("seed", "1", "");
  scenario.set("train.steps", "100000", "");
  const auto dir = fresh_folder("half");
  auto options = options_of(dir);
  options.should_stop = [polls = 0]() mutable { return ++polls > 3; };
  EXPECT_TRUE(run_training(scenario, options).stopped);
  EXPECT_FALSE(std::filesystem::is_empty(dir + "/checkpoints"));
  double share = 0;
  options.resume = true;
  options.should_stop = [polls = 0]() mutable { return ++polls > 1; };
  options.on_progress = [&](const TrainProgress& now) {
    if (share == 0) share = now.share;
  };
  (void)run_training(scenario, options);
  EXPECT_GT(share, 0) << "the steps of the first sitting count";
}

TEST(TrainSweepTest, ADamagedCheckpointIsNamedAndThePointTrainedAnew) {
  auto scenario = small_scenario();
  scenario.set("train.method", "none", "");
  scenario.set("seed", "1", "");
  const auto dir = fresh_folder("damaged");
  auto options = options_of(dir);
  options.should_stop = [] { return true; };
  (void)run_training(scenario, options);
  training::Trainer trainer(expand_training(scenario).at(0).config);
  trainer.advance();
  TrainCheckpoint(dir, expand_training(scenario).at(0).point).save(trainer);
  for (const auto& file : std::filesystem::directory_iterator(dir + "/checkpoints")) {
    std::filesystem::resize_file(file.path(), file.file_size() / 2);
  }
  options.should_stop = {};
  options.resume = true;
  EXPECT_EQ(run_training(scenario, options).ok, 1);
  const auto run = read_run(dir);
  ASSERT_EQ(run.points.at(0).warnings.size(), 1U);
  EXPECT_THAT(run.points[0].warnings[0], HasSubstr("damaged"));
}

TEST(TrainSweepTest, APointThatDivergesFailsWithStepAndCauseAndTheOthersGoOn) {
  auto scenario = small_scenario();
  scenario.set("train.optimizer", "sgd", "");
  scenario.set("train.learning_rate", "0.01,1000000", "");
  scenario.set("train.method", "none", "");
  const auto dir = fresh_folder("diverging");
  const auto summary = run_training(scenario, options_of(dir));
  EXPECT_EQ(summary.failed, 2);
  EXPECT_EQ(summary.ok, 2);
  for (const auto& result : read_run(dir).points) {
    if (result.outcome != Outcome::kFailed) continue;
    EXPECT_THAT(result.reason, testing::AllOf(HasSubstr("at step"), HasSubstr("loss")));
  }
}

TEST(TrainSweepTest, EveryPointHasItsTimeOnEachKernelAndWhatTheTrainingCost) {
  auto scenario = small_scenario();
  scenario.set("train.method", "none", "");
  scenario.set("seed", "1", "");
  scenario.set("backend", "cpu", "");
  scenario.set("threads", "1", "");
  scenario.set("kernel", "padded,grouped", "");
  scenario.set("measure.budget_s", "0.02", "");
  const auto dir = fresh_folder("timed");
  auto options = options_of(dir);
  options.save_traces = true;
  EXPECT_EQ(run_training(scenario, options).ok, 1);
  const auto result = read_run(dir).points.at(0);
  for (const std::string kernel : {"padded", "grouped"}) {
    const auto* time = result.find("layer.total_s@" + kernel);
    ASSERT_NE(time, nullptr) << kernel;
    EXPECT_EQ(time->provenance, Provenance::kMeasured);
    EXPECT_TRUE(time->ci95);
    const auto* wall = result.find("train.wall_s@" + kernel);
    ASSERT_NE(wall, nullptr) << kernel;
    EXPECT_EQ(wall->provenance, Provenance::kModelled);
    EXPECT_GT(wall->value, 0);
    EXPECT_LE(wall->ci95->low, wall->value);
    EXPECT_GE(wall->ci95->high, wall->value);
  }
  EXPECT_TRUE(std::filesystem::exists(dir + "/traces/1.safetensors"));
}

TEST(DealLoadsTest, GivesEveryExpertItsLoadAndNoTokenAnExpertTwice) {
  const std::vector<std::int64_t> load = {10, 0, 7, 3};
  BatchBuffer buffer;
  const auto batch = deal_loads(load, 10, 2, buffer);
  EXPECT_EQ(check_batch(batch).duplicate_tokens, 0);
  std::vector<std::int64_t> counted(4);
  count_load(batch, counted);
  EXPECT_EQ(counted, load);
}

}  // namespace
}  // namespace hotexpert
