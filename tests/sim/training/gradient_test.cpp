#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "sim/training/lab_model.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

struct GradientCase {
  std::string name;
  std::string method;
  void (*adjust)(TrainConfig&) = [](TrainConfig&) {};
};

void PrintTo(const GradientCase& c, std::ostream* out) { *out << c.name; }

class GradientTest : public testing::TestWithParam<GradientCase> {};

/// Largest difference between exact and central-difference gradients, relative to the largest
/// gradient of the block.
double largest_relative_error(LabModel<double>& model, ParameterBlock<double>& block) {
  constexpr double kStep = 1e-5;
  model.train_pass(0);
  const auto exact = block.gradient;
  double scale = 0;
  double worst = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double value = block.value[i];
    block.value[i] = value + kStep;
    const auto above = model.train_pass(0);
    block.value[i] = value - kStep;
    const auto below = model.train_pass(0);
    block.value[i] = value;
    const double numeric =
        ((above.task - below.task) + (above.balance - below.balance)) / (2 * kStep);
    scale = std::max(scale, std::abs(numeric));
    worst = std::max(worst, std::abs(numeric - exact[i]));
  }
  return scale > 0 ? worst / scale : worst;
}

TEST_P(GradientTest, EqualsCentralDifferencesWithinOneMillionth) {
  TrainConfig config = tiny_config();
  config.method = GetParam().method;
  GetParam().adjust(config);
  LabModel<double> model(config);
  for (auto* block : model.blocks()) {
    EXPECT_LE(largest_relative_error(model, *block), 1e-6) << "of " << block->value.size();
  }
}

void sigmoid(TrainConfig& config) { config.score = ScoreFunction::kSigmoid; }
void raw_gates(TrainConfig& config) { config.renormalize = false; }
void relu(TrainConfig& config) { config.activation = Activation::kRelu; }
void capacity(TrainConfig& config) { config.capacity_factor = Decimal(1, 0); }
void top_one_raw(TrainConfig& config) {
  config.top_k = 1;
  config.renormalize = false;
}
void sigmoid_raw_gates(TrainConfig& config) {
  sigmoid(config);
  raw_gates(config);
}

/// A text of words drawn by a fixed rule, long enough for the tiny lab.
void text_task(TrainConfig& config) {
  const auto path = std::filesystem::temp_directory_path() / "gradient_corpus.txt";
  std::ofstream file(path, std::ios::binary);
  for (int i = 0; i < 400; ++i) file << "word" << i * i % 37 << (i % 5 == 0 ? ".\n" : " ");
  config.task = "text:context=2";
  config.corpus = path.string();
  config.d_model = 3;
}

INSTANTIATE_TEST_SUITE_P(
    Lab, GradientTest,
    testing::Values(
        GradientCase{"none", "none"}, GradientCase{"none_raw_gates", "none", raw_gates},
        GradientCase{"none_relu", "none", relu}, GradientCase{"none_sigmoid", "none", sigmoid},
        GradientCase{"none_capacity", "none", capacity},
        GradientCase{"none_sigmoid_raw", "none", sigmoid_raw_gates},
        GradientCase{"switch_", "switch:weight=1"},
        GradientCase{"switch_top1", "switch:weight=1", top_one_raw},
        GradientCase{"gshard", "gshard:weight=1"}, GradientCase{"mixtral", "mixtral-hf:weight=1"},
        GradientCase{"megatron", "megatron:weight=1"},
        GradientCase{"megatron_sigmoid", "megatron:weight=1", sigmoid},
        GradientCase{"deepseek", "deepseek:weight=1"},
        GradientCase{"deepseek_sigmoid", "deepseek:weight=1", sigmoid},
        GradientCase{"sequence", "sequence:weight=1"},
        GradientCase{"sequence_sigmoid", "sequence:weight=1", sigmoid},
        GradientCase{"global_batch", "global-batch:weight=1"},
        GradientCase{"importance", "importance:weight=1"},
        GradientCase{"importance_raw", "importance:weight=1", raw_gates},
        GradientCase{"load", "load:weight=1"},
        GradientCase{"load_sigmoid", "load:weight=1", sigmoid},
        GradientCase{"importance_load", "importance:weight=1+load:weight=1", capacity},
        GradientCase{"z_loss", "z-loss:weight=1"},
        GradientCase{"everything", "bias+sequence:weight=1+z-loss:weight=0.1+load:weight=1"},
        GradientCase{"expert_choice", "expert-choice"},
        GradientCase{"expert_choice_importance", "expert-choice+importance:weight=1"},
        GradientCase{"sinkhorn", "sinkhorn+megatron:weight=1"},
        GradientCase{"quantile", "quantile"},
        GradientCase{"text", "megatron:weight=1+load:weight=1", text_task}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace hotexpert::training
