#pragma once

#include "sim/training/router.hpp"
#include "sim/training/train_config.hpp"

namespace hotexpert::training {

/// A lab small enough to differentiate every parameter numerically.
inline TrainConfig tiny_config() {
  TrainConfig config;
  config.task = "clusters:groups=4";
  config.num_experts = 6;
  config.top_k = 2;
  config.d_model = 5;
  config.d_ff = 4;
  config.tokens = 24;
  config.micro_batches = 2;
  config.sequence_tokens = 6;
  config.router_init_std = 0.7;
  config.seed = 7;
  config.steps = 3;
  config.evaluation_batches = 2;
  return config;
}

/// A lab that trains in a fraction of a second and still collapses.
inline TrainConfig small_config() {
  TrainConfig config;
  config.task = "clusters:groups=32";
  config.num_experts = 8;
  config.d_model = 16;
  config.d_ff = 32;
  config.tokens = 256;
  config.sequence_tokens = 16;
  config.steps = 400;
  config.evaluation_batches = 4;
  return config;
}

/// A router state with given scores [T, E] and plain top-k routing, one micro-batch.
inline RouterState<double> state_of_scores(const Matrix<double>& scores, int top_k) {
  RouterState<double> state;
  state.tokens = scores.rows;
  state.num_experts = static_cast<int>(scores.cols);
  state.top_k = top_k;
  state.micro_batch_tokens = scores.rows;
  state.sequence_tokens = scores.rows;
  state.scores = scores;
  state.clean_logits = scores;
  state.gate_logits = scores;
  return state;
}

}  // namespace hotexpert::training
