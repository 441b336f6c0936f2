#include "sim/training/training_task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "sim/base/errors.hpp"
#include "sim/training/tasks/text_task.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

using testing::HasSubstr;

TaskBatch<double> draw(const TrainConfig& config, Split split, std::uint32_t step) {
  TaskBatch<double> batch;
  make_training_task<double>(config)->draw(split, step, batch);
  return batch;
}

TEST(ClustersTaskTest, DrawsEqualTokensForEqualKeysOnly) {
  const auto config = tiny_config();
  const auto batch = draw(config, Split::kTrain, 3);
  EXPECT_EQ(batch.features.values, draw(config, Split::kTrain, 3).features.values);
  EXPECT_NE(batch.features.values, draw(config, Split::kTrain, 4).features.values);
  EXPECT_NE(batch.features.values, draw(config, Split::kEvaluation, 3).features.values);
  auto other = config;
  other.seed += 1;
  EXPECT_NE(batch.features.values, draw(other, Split::kTrain, 3).features.values);
}

TEST(ClustersTaskTest, PopularityFollowsTheZipfExponent) {
  auto config = tiny_config();
  config.task = "clusters:groups=3:exponent=1";
  config.tokens = 60000;
  const auto batch = draw(config, Split::kTrain, 0);
  std::vector<double> share(3);
  for (const auto cluster : batch.token_class) {
    share[static_cast<std::size_t>(cluster)] += 1.0 / 60000;
  }
  const double total = 1 + 0.5 + 1.0 / 3;  // weights 1, 1/2, 1/3
  for (std::size_t g = 0; g < 3; ++g) {
    const double p = 1 / static_cast<double>(g + 1) / total;
    EXPECT_NEAR(share[g], p, 5 * std::sqrt(p * (1 - p) / 60000));
  }
}

TEST(ClustersTaskTest, InputsAndTargetsHaveUnitVariance) {
  auto config = tiny_config();
  config.task = "clusters:groups=400:exponent=0";
  config.d_model = 32;
  config.tokens = 4096;
  config.micro_batches = 1;
  config.sequence_tokens = 1;
  const auto batch = draw(config, Split::kTrain, 0);
  double squares = 0;
  std::vector<double> token_loss(4096);
  for (const double value : batch.features.values) squares += value * value;
  EXPECT_NEAR(squares / (4096 * 32), 1, 0.1);
  const double adds_nothing =
      make_training_task<double>(config)->loss(batch, batch.features, token_loss, nullptr);
  EXPECT_NEAR(adds_nothing, 1, 0.15);
}

TEST(ClustersTaskTest, StickyTokensKeepTheirPredecessorsClusterWithinASequence) {
  auto config = tiny_config();
  config.task = "clusters:groups=4:stickiness=1";
  const auto batch = draw(config, Split::kTrain, 0);
  for (std::size_t t = 0; t < batch.token_class.size(); ++t) {
    if (t % 6 == 0) continue;
    EXPECT_EQ(batch.token_class[t], batch.token_class[t - 1]);
  }
}

class TextTaskTest : public testing::Test {
 protected:
  TrainConfig config_of(const std::string& text) {
    const auto path = std::filesystem::temp_directory_path() / "task_corpus.txt";
    std::ofstream(path, std::ios::binary) << text;
    auto config = tiny_config();
    config.task = "text:context=2";
    config.corpus = path.string();
    return config;
  }
};

TEST_F(TextTaskTest, SeesTheBytesBeforeTheOneItPredicts) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += static_cast<char>('a' + i % 26);
  const auto batch = draw(config_of(text), Split::kTrain, 0);
  for (std::size_t t = 0; t < 24; ++t) {
    const int next = batch.target_byte[t] - 'a';
    EXPECT_EQ(batch.context[2 * t] - 'a', (next + 25) % 26);
    EXPECT_EQ(batch.context[2 * t + 1] - 'a', (next + 24) % 26);
  }
}

TEST_F(TextTaskTest, HeldOutTextIsNeverTrainedOn) {
  const auto config = config_of(std::string(9000, 'x') + std::string(1000, 'y'));
  for (std::uint32_t step = 0; step < 50; ++step) {
    for (const auto byte : draw(config, Split::kTrain, step).target_byte) EXPECT_EQ(byte, 'x');
    for (const auto byte : draw(config, Split::kEvaluation, step).target_byte) {
      EXPECT_EQ(byte, 'y');
    }
  }
}

TEST_F(TextTaskTest, SaysWhatIsWrongWithACorpus) {
  const auto message = [](const TrainConfig& config) {
    try {
      make_training_task<float>(config);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  auto config = config_of("too short");
  EXPECT_THAT(message(config), HasSubstr("9 bytes are too few for sequences of 6 tokens"));
  config.corpus = "/nonexistent/corpus.txt";
  EXPECT_THAT(message(config),
              HasSubstr("train.corpus: /nonexistent/corpus.txt: cannot be opened"));
  config.corpus = std::filesystem::temp_directory_path().string();
  EXPECT_THAT(message(config), HasSubstr("corpus"));
  config.corpus.clear();
  EXPECT_THAT(message(config), HasSubstr("--train.corpus FILE"));
  config.task = "txet";
  EXPECT_THAT(message(config), HasSubstr("did you mean 'text'"));
}

TEST(ByteClassTest, SortsBytesIntoSixClasses) {
  EXPECT_EQ(byte_class(' '), 0);
  EXPECT_EQ(byte_class('\n'), 0);
  EXPECT_EQ(byte_class('q'), 1);
  EXPECT_EQ(byte_class('Q'), 2);
  EXPECT_EQ(byte_class('7'), 3);
  EXPECT_EQ(byte_class('.'), 4);
  EXPECT_EQ(byte_class(0xc3), 5);
}

TEST(TrainConfigTest, NamesFieldValueAndRemedy) {
  const auto message = [](void (*spoil)(TrainConfig&)) {
    auto config = tiny_config();
    spoil(config);
    try {
      validate(config);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message([](TrainConfig&) {}), "no error");
  EXPECT_EQ(message([](TrainConfig& c) { c.micro_batches = 5; }),
            "train.micro_batches: 5 is not allowed; give a divisor of the 24 tokens of a step");
  EXPECT_THAT(message([](TrainConfig& c) { c.optimizer.learning_rate = std::nan(""); }),
              HasSubstr("train.learning_rate"));
  EXPECT_THAT(message([](TrainConfig& c) { c.top_k = 7; }), HasSubstr("top_k"));
  EXPECT_THAT(message([](TrainConfig& c) { c.activation = Activation::kGelu; }), HasSubstr("gelu"));
  EXPECT_THAT(message([](TrainConfig& c) { c.capacity_factor = Decimal(0, 0); }),
              HasSubstr("capacity_factor"));
}

}  // namespace
}  // namespace hotexpert::training
