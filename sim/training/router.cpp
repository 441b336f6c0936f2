#include "sim/training/router.hpp"

#include <algorithm>
#include <cmath>

#include "sim/training/divergence.hpp"
#include "sim/training/products.hpp"
#include "sim/training/top_k.hpp"
#include "sim/training/training_random.hpp"

namespace hotexpert::training {
namespace {

constexpr double kSmallestSum = 1e-20;  // gates of a token whose scores all underflow are zero

template <class Scalar>
Scalar sigmoid(Scalar z) {
  return Scalar{1} / (Scalar{1} + std::exp(-z));
}

template <class Scalar>
Scalar softplus(Scalar z) {
  return std::max(z, Scalar{0}) + std::log1p(std::exp(-std::abs(z)));
}

template <class Scalar>
void require_finite(const Matrix<Scalar>& logits) {
  for (const Scalar value : logits.values) {
    if (!std::isfinite(value)) throw Divergence("a router logit is not finite");
  }
}

template <class Scalar>
void compute_scores(RouterState<Scalar>& state) {
  state.scores.reshape(state.tokens, state.num_experts);
  for (std::int64_t t = 0; t < state.tokens; ++t) {
    const Scalar* logit = state.gate_logits.row(t);
    Scalar* score = state.scores.row(t);
    if (state.score == ScoreFunction::kSigmoid) {
      std::transform(logit, logit + state.num_experts, score, sigmoid<Scalar>);
      continue;
    }
    const Scalar largest = *std::max_element(logit, logit + state.num_experts);
    Scalar sum = 0;
    for (int i = 0; i < state.num_experts; ++i) sum += score[i] = std::exp(logit[i] - largest);
    for (int i = 0; i < state.num_experts; ++i) score[i] /= sum;
  }
}

template <class Scalar>
void select_plain(RouterState<Scalar>& state) {
  state.plain_topk.resize(static_cast<std::size_t>(state.tokens * state.top_k));
  for (std::int64_t t = 0; t < state.tokens; ++t) {
    top_k_indices(state.scores.row(t), state.num_experts, state.top_k,
                  state.plain_topk.data() + t * state.top_k);
  }
}

template <class Scalar>
Scalar selected_sum(const RouterState<Scalar>& state, std::int64_t t) {
  const int slots = state.selection.slots;
  Scalar sum = 0;
  for (int slot = 0; slot < slots; ++slot) {
    const auto expert = state.selection.ids[static_cast<std::size_t>(t * slots + slot)];
    if (expert >= 0) sum += state.scores.at(t, expert);
  }
  return std::max(sum, static_cast<Scalar>(kSmallestSum));
}

template <class Scalar>
void compute_gates(RouterState<Scalar>& state) {
  const int slots = state.selection.slots;
  const bool divide = state.renormalize && !state.raw_gates;
  state.gates.reset(state.tokens, slots);
  for (std::int64_t t = 0; t < state.tokens; ++t) {
    const Scalar divisor = divide ? selected_sum(state, t) : Scalar{1};
    for (int slot = 0; slot < slots; ++slot) {
      const auto expert = state.selection.ids[static_cast<std::size_t>(t * slots + slot)];
      if (expert >= 0) state.gates.at(t, slot) = state.scores.at(t, expert) / divisor;
    }
  }
}

/// Adds what the gates' gradient says about the scores.
/// Renormalised, g_j = s_j / S: dL/ds_j = (dL/dg_j - sum_l g_l dL/dg_l) / S.
template <class Scalar>
void chain_gates(const RouterState<Scalar>& state, RouterGradient<Scalar>& gradient) {
  const int slots = state.selection.slots;
  const bool divide = state.renormalize && !state.raw_gates;
  for (std::int64_t t = 0; t < state.tokens; ++t) {
    const Scalar divisor = divide ? selected_sum(state, t) : Scalar{1};
    Scalar shift = 0;
    for (int slot = 0; divide && slot < slots; ++slot) {
      shift += state.gates.at(t, slot) * gradient.gates.at(t, slot);
    }
    for (int slot = 0; slot < slots; ++slot) {
      const auto expert = state.selection.ids[static_cast<std::size_t>(t * slots + slot)];
      if (expert < 0) continue;
      gradient.scores.at(t, expert) += (gradient.gates.at(t, slot) - shift) / divisor;
    }
  }
}

/// Adds what the scores' gradient says about the gate logits.
template <class Scalar>
void chain_scores(const RouterState<Scalar>& state, RouterGradient<Scalar>& gradient) {
  for (std::int64_t t = 0; t < state.tokens; ++t) {
    const Scalar* score = state.scores.row(t);
    const Scalar* from = gradient.scores.row(t);
    Scalar* to = gradient.gate_logits.row(t);
    Scalar shift = 0;
    for (int i = 0; i < state.num_experts; ++i) shift += score[i] * from[i];
    for (int i = 0; i < state.num_experts; ++i) {
      to[i] += state.score == ScoreFunction::kSigmoid ? from[i] * score[i] * (Scalar{1} - score[i])
                                                      : score[i] * (from[i] - shift);
    }
  }
}

/// Adds what the gate logits' gradient says about the clean logits, and turns the gradient of the
/// noise's deviation into that of the noise logits.
template <class Scalar>
void chain_noise(const RouterState<Scalar>& state, RouterGradient<Scalar>& gradient) {
  for (std::size_t i = 0; i < gradient.clean_logits.values.size(); ++i) {
    gradient.clean_logits.values[i] += gradient.gate_logits.values[i];
  }
  for (std::size_t i = 0; i < gradient.noise_std.values.size(); ++i) {
    Scalar& value = gradient.noise_std.values[i];
    value += gradient.gate_logits.values[i] * state.noise.values[i];
    value *= sigmoid(state.noise_logits.values[i]);
  }
}

}  // namespace

template <class Scalar>
Router<Scalar>::Router(const TrainConfig& config, bool noisy)
    : num_experts_(config.num_experts),
      top_k_(config.top_k),
      width_(config.d_model),
      score_(config.score),
      renormalize_(config.renormalize),
      micro_batch_tokens_(config.micro_batch_tokens()),
      sequence_tokens_(config.sequence_tokens),
      seed_(config.seed),
      noisy_(noisy) {
  const std::int64_t size = width_ * num_experts_;
  parameters_.resize(noisy ? 2 * size : size);
  fill_normal(draw_key(seed_, DrawStream::kRouterInit), 0, config.router_init_std,
              std::span(parameters_.value).first(static_cast<std::size_t>(size)));
}

template <class Scalar>
void Router<Scalar>::compute_logits(const Matrix<Scalar>& hidden, std::uint32_t step, bool training,
                                    RouterState<Scalar>& state) const {
  const auto& math = products<Scalar>();
  state.clean_logits.reshape(hidden.rows, num_experts_);
  math.multiply(hidden.rows, num_experts_, width_, hidden.data(), parameters_.value.data(),
                state.clean_logits.data());
  state.gate_logits = state.clean_logits;
  const std::int64_t noisy_rows = noisy_ && training ? hidden.rows : 0;
  for (auto* part : {&state.noise_logits, &state.noise_std, &state.noise}) {
    part->reshape(noisy_rows, num_experts_);
  }
  if (noisy_rows == 0) return;
  math.multiply(hidden.rows, num_experts_, width_, hidden.data(), noise_weights(),
                state.noise_logits.data());
  std::transform(state.noise_logits.values.begin(), state.noise_logits.values.end(),
                 state.noise_std.values.begin(), softplus<Scalar>);
  fill_normal(draw_key(seed_, DrawStream::kRouterNoise, step), 0, 1.0,
              std::span(state.noise.values));
  for (std::size_t i = 0; i < state.noise.values.size(); ++i) {
    state.gate_logits.values[i] += state.noise.values[i] * state.noise_std.values[i];
  }
}

template <class Scalar>
void Router<Scalar>::forward(const Matrix<Scalar>& hidden, std::uint32_t step, bool training,
                             const SelectionRule<Scalar>* rule, RouterState<Scalar>& state) const {
  state.tokens = hidden.rows;
  state.num_experts = num_experts_;
  state.top_k = top_k_;
  state.score = score_;
  state.renormalize = renormalize_;
  state.micro_batch_tokens = micro_batch_tokens_;
  state.sequence_tokens = sequence_tokens_;
  state.raw_gates = rule != nullptr && rule->raw_gates();
  compute_logits(hidden, step, training, state);
  require_finite(state.gate_logits);
  compute_scores(state);
  select_plain(state);
  state.selection = {top_k_, state.plain_topk};
  if (rule != nullptr) rule->select(state, training, state.selection);
  compute_gates(state);
}

template <class Scalar>
void Router<Scalar>::backward(const Matrix<Scalar>& hidden, const RouterState<Scalar>& state,
                              RouterGradient<Scalar>& gradient,
                              AlignedVector<Scalar>& parameter_gradient,
                              Matrix<Scalar>* hidden_gradient) const {
  chain_gates(state, gradient);
  chain_scores(state, gradient);
  chain_noise(state, gradient);
  const auto& math = products<Scalar>();
  parameter_gradient.assign(parameters_.value.size(), Scalar{0});
  Matrix<Scalar> back;
  const auto add_branch = [&](const Matrix<Scalar>& logits, std::int64_t offset) {
    if (logits.rows == 0) return;
    math.multiply_left_transposed(width_, num_experts_, hidden.rows, hidden.data(), logits.data(),
                                  parameter_gradient.data() + offset);
    if (hidden_gradient == nullptr) return;
    back.reshape(hidden.rows, width_);
    math.multiply_right_transposed(hidden.rows, width_, num_experts_, logits.data(),
                                   parameters_.value.data() + offset, back.data());
    for (std::size_t i = 0; i < back.values.size(); ++i) {
      hidden_gradient->values[i] += back.values[i];
    }
  };
  add_branch(gradient.clean_logits, 0);
  add_branch(gradient.noise_std, width_ * num_experts_);
}

template class Router<float>;
template class Router<double>;

}  // namespace hotexpert::training
