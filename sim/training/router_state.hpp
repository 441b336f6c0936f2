#pragma once

#include <cstdint>
#include <vector>

#include "sim/training/matrix.hpp"
#include "sim/training/train_config.hpp"

namespace hotexpert::training {

/// Which experts each token goes to. Slots beyond a token's own experts hold -1.
struct Selection {
  int slots = 0;                  ///< largest number of experts of a token
  std::vector<std::int32_t> ids;  ///< [T, slots], by falling score
};

/// What the router computed for the tokens of one step; balancing methods read it.
template <class Scalar>
struct RouterState {
  std::int64_t tokens = 0;
  int num_experts = 0;
  int top_k = 0;
  ScoreFunction score = ScoreFunction::kSoftmax;
  bool renormalize = true;
  std::int64_t micro_batch_tokens = 0;  ///< T, or a divisor of it
  std::int64_t sequence_tokens = 0;     ///< a divisor of micro_batch_tokens

  Matrix<Scalar> clean_logits;  ///< [T, E] x W
  Matrix<Scalar> noise_logits;  ///< [T, E] x W_noise, or empty without noise
  Matrix<Scalar> noise_std;     ///< [T, E] softplus(noise_logits), or empty
  Matrix<Scalar> noise;         ///< [T, E] standard normal draws, or empty
  Matrix<Scalar> gate_logits;   ///< [T, E] clean + noise * noise_std
  Matrix<Scalar> scores;        ///< [T, E] softmax or sigmoid of the gate logits

  /// [T, k] the k largest scores of each token, before any method changes the choice and before
  /// drops: what Megatron-Core's auxiliary losses count.
  std::vector<std::int32_t> plain_topk;
  Selection selection;     ///< where tokens go
  Matrix<Scalar> gates;    ///< [T, slots] weight of each expert's output; 0 where absent
  bool raw_gates = false;  ///< gates are the scores themselves, whatever `renormalize` says
};

/// Gradient of one scalar with respect to what the router computed. Each part is the derivative
/// with the other parts held fixed; router_backward() chains them.
template <class Scalar>
struct RouterGradient {
  Matrix<Scalar> gates;         ///< [T, slots]
  Matrix<Scalar> scores;        ///< [T, E]
  Matrix<Scalar> gate_logits;   ///< [T, E]
  Matrix<Scalar> clean_logits;  ///< [T, E]
  Matrix<Scalar> noise_std;     ///< [T, E], empty without noise

  void reset(const RouterState<Scalar>& state) {
    gates.reset(state.tokens, state.selection.slots);
    scores.reset(state.tokens, state.num_experts);
    gate_logits.reset(state.tokens, state.num_experts);
    clean_logits.reset(state.tokens, state.num_experts);
    noise_std.reset(state.noise_std.rows, state.noise_std.cols);
  }
};

}  // namespace hotexpert::training
