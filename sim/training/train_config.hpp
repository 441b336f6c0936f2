#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/base/decimal.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert::training {

enum class ScoreFunction : std::uint8_t { kSoftmax, kSigmoid };
enum class OptimizerKind : std::uint8_t { kSgd, kAdamw };

ScoreFunction parse_score_function(std::string_view text);  ///< "softmax", "sigmoid"; UsageError
OptimizerKind parse_optimizer(std::string_view text);       ///< "sgd", "adamw"; UsageError

/// How parameters follow their gradients.
struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::kAdamw;
  double learning_rate = 5e-3;
  double momentum = 0.9;  ///< sgd: velocity = momentum * velocity + gradient
  double beta1 = 0.9;     ///< adamw
  double beta2 = 0.99;    ///< adamw
  double epsilon = 1e-8;  ///< adamw
  double weight_decay = 0;
};

/// Everything one training run depends on. Equal configurations give equal bytes on one build and
/// machine.
struct TrainConfig {
  std::string task = "clusters";  ///< a row of training_tasks(), with parameters
  std::string corpus;             ///< task `text`: path of the text file
  std::string method = "none";    ///< rows of balancing_methods(), combined with '+'

  int num_experts = 16;                           ///< E
  int top_k = 2;                                  ///< k
  std::int64_t d_model = 64;                      ///< width of a token
  std::int64_t d_ff = 128;                        ///< width of an expert
  Activation activation = Activation::kSwiglu;    ///< swiglu or relu
  ScoreFunction score = ScoreFunction::kSoftmax;  ///< scores from router logits
  bool renormalize = true;                        ///< gates of a token's experts sum to one
  /// Capacity of an expert in a micro-batch, ceil(k T / E * factor), highest gates first; none =
  /// dropless. A dropped assignment adds nothing: the token passes on its residual.
  std::optional<Decimal> capacity_factor;

  std::int64_t tokens = 1024;         ///< T of an optimiser step
  int micro_batches = 4;              ///< a step's gradient is accumulated over these
  std::int64_t sequence_tokens = 64;  ///< tokens of one sequence; divides a micro-batch
  std::int64_t steps = 1000;
  std::int64_t evaluation_batches = 8;  ///< held-out batches of T tokens at the end
  std::uint64_t seed = 1;

  OptimizerConfig optimizer;
  double router_init_std = 0.02;  ///< router weights start from N(0, this^2)
  double expert_init_gain = 1.0;  ///< expert weights start from N(0, gain^2 / fan_in)

  [[nodiscard]] std::int64_t micro_batch_tokens() const { return tokens / micro_batches; }
};

/// @throws UsageError naming the field, its value and what is allowed. Methods and task are checked
/// where they are built.
void validate(const TrainConfig& config);

}  // namespace hotexpert::training
