#pragma once

#include <cstdint>

#include "sim/training/balancing_method.hpp"
#include "sim/training/router_state.hpp"
#include "sim/training/train_config.hpp"

namespace hotexpert::training {

/// The router of one layer: logits = x W, with W [d_model, E], no bias; with a noisy method also
/// x W_noise. Scores are a softmax or sigmoid of the logits, gates the scores of a token's experts,
/// renormalised where the configuration says so.
template <class Scalar>
class Router {
 public:
  /// W starts from N(0, router_init_std^2), W_noise from zero (Shazeer 2017).
  Router(const TrainConfig& config, bool noisy);

  /// Fills `state` from the block's input [T, d_model].
  /// @param rule null for plain top-k   @throws Divergence when a logit is not finite
  void forward(const Matrix<Scalar>& hidden, std::uint32_t step, bool training,
               const SelectionRule<Scalar>* rule, RouterState<Scalar>& state) const;

  /// Chains `gradient` back to the logits, in place, and writes the gradient of the parameters to
  /// `parameter_gradient` (as parameters().value). Adds to `hidden_gradient` where it is given.
  void backward(const Matrix<Scalar>& hidden, const RouterState<Scalar>& state,
                RouterGradient<Scalar>& gradient, AlignedVector<Scalar>& parameter_gradient,
                Matrix<Scalar>* hidden_gradient) const;

  /// W [d_model, E], then W_noise of the same shape where the router is noisy.
  ParameterBlock<Scalar>& parameters() { return parameters_; }

 private:
  void compute_logits(const Matrix<Scalar>& hidden, std::uint32_t step, bool training,
                      RouterState<Scalar>& state) const;
  [[nodiscard]] const Scalar* noise_weights() const {
    return parameters_.value.data() + width_ * num_experts_;
  }

  int num_experts_;
  int top_k_;
  std::int64_t width_;
  ScoreFunction score_;
  bool renormalize_;
  std::int64_t micro_batch_tokens_;
  std::int64_t sequence_tokens_;
  std::uint64_t seed_;
  bool noisy_;
  ParameterBlock<Scalar> parameters_;
};

}  // namespace hotexpert::training
