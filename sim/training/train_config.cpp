#include "sim/training/train_config.hpp"

#include <fmt/format.h>

#include <array>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert::training {
namespace {

template <class Enum>
struct NamedValue {
  std::string_view name;
  Enum value;
};

constexpr std::array kScores = {NamedValue<ScoreFunction>{"softmax", ScoreFunction::kSoftmax},
                                NamedValue<ScoreFunction>{"sigmoid", ScoreFunction::kSigmoid}};
constexpr std::array kOptimizers = {NamedValue<OptimizerKind>{"sgd", OptimizerKind::kSgd},
                                    NamedValue<OptimizerKind>{"adamw", OptimizerKind::kAdamw}};

void require(bool sound, std::string_view field, double value, std::string_view allowed) {
  if (!sound) {
    throw UsageError(
        fmt::format("train.{}: {} is not allowed; give {}", field, shortest(value), allowed));
  }
}

void require_count(std::int64_t value, std::string_view field) {
  require(value >= 1, field, static_cast<double>(value), "a whole number from 1");
}

}  // namespace

ScoreFunction parse_score_function(std::string_view text) {
  return find_row(kScores, "score function", text).value;
}

OptimizerKind parse_optimizer(std::string_view text) {
  return find_row(kOptimizers, "optimizer", text).value;
}

void validate(const TrainConfig& config) {
  LayerShape shape;
  shape.num_experts = config.num_experts;
  shape.top_k = config.top_k;
  shape.d_model = config.d_model;
  shape.d_ff = config.d_ff;
  hotexpert::validate(shape);
  if (config.activation == Activation::kGelu) {
    throw UsageError("layer.activation: the router lab trains 'swiglu' and 'relu', not 'gelu'");
  }
  require_count(config.tokens, "tokens");
  require_count(config.micro_batches, "micro_batches");
  require_count(config.sequence_tokens, "sequence_tokens");
  require_count(config.steps, "steps");
  require_count(config.evaluation_batches, "evaluation_batches");
  require(config.steps <= 0xffffffffLL, "steps", static_cast<double>(config.steps),
          "at most 4294967295");
  require(config.tokens % config.micro_batches == 0, "micro_batches", config.micro_batches,
          fmt::format("a divisor of the {} tokens of a step", config.tokens));
  require(config.micro_batch_tokens() % config.sequence_tokens == 0, "sequence_tokens",
          static_cast<double>(config.sequence_tokens),
          fmt::format("a divisor of the {} tokens of a micro-batch", config.micro_batch_tokens()));
  require(!config.capacity_factor || config.capacity_factor->sign() > 0, "capacity_factor",
          config.capacity_factor ? config.capacity_factor->to_double() : 0,
          "a factor above 0, or none");
  const auto& optimizer = config.optimizer;
  require(optimizer.learning_rate > 0, "learning_rate", optimizer.learning_rate,
          "a number above 0");
  require(optimizer.momentum >= 0 && optimizer.momentum < 1, "momentum", optimizer.momentum,
          "a number in [0, 1)");
  require(optimizer.beta1 >= 0 && optimizer.beta1 < 1, "beta1", optimizer.beta1,
          "a number in [0, 1)");
  require(optimizer.beta2 >= 0 && optimizer.beta2 < 1, "beta2", optimizer.beta2,
          "a number in [0, 1)");
  require(optimizer.epsilon > 0, "epsilon", optimizer.epsilon, "a number above 0");
  require(optimizer.weight_decay >= 0, "weight_decay", optimizer.weight_decay, "a number from 0");
  require(config.router_init_std >= 0, "router_init_std", config.router_init_std,
          "a number from 0");
  require(config.expert_init_gain > 0, "expert_init_gain", config.expert_init_gain,
          "a number above 0");
}

}  // namespace hotexpert::training
