#include "sim/training/methods/quantile_rule.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "sim/base/errors.hpp"
#include "sim/training/top_k.hpp"

namespace hotexpert::training {
namespace {

template <class Scalar>
class QuantileRule final : public SelectionRule<Scalar> {
 public:
  QuantileRule(double ema, int num_experts)
      : ema_(ema), beta_(static_cast<std::size_t>(num_experts)) {}

  void select(const RouterState<Scalar>& state, bool, Selection& selection) const override {
    std::vector<double> shifted(beta_.size());
    for (std::int64_t t = 0; t < state.tokens; ++t) {
      shift(state, t, shifted);
      top_k_indices(shifted.data(), state.num_experts, state.top_k,
                    selection.ids.data() + t * selection.slots);
    }
  }

  void update(const RouterState<Scalar>& state, std::span<const std::int64_t>) override {
    const std::int64_t scope = state.micro_batch_tokens;
    std::vector<double> threshold(beta_.size());
    for (std::int64_t begin = 0; begin < state.tokens; begin += scope) {
      add_thresholds(state, begin, begin + scope, threshold);
    }
    const double weight = static_cast<double>(scope) / static_cast<double>(state.tokens);
    for (std::size_t i = 0; i < beta_.size(); ++i) {
      beta_[i] = ema_ * beta_[i] + (1 - ema_) * weight * threshold[i];
    }
    const double mean =
        std::accumulate(beta_.begin(), beta_.end(), 0.0) / static_cast<double>(beta_.size());
    for (double& value : beta_) value -= mean;
  }

  std::span<double> memory() override { return beta_; }

 private:
  void shift(const RouterState<Scalar>& state, std::int64_t t, std::vector<double>& out) const {
    const Scalar* logit = state.gate_logits.row(t);
    for (std::size_t i = 0; i < beta_.size(); ++i) {
      out[i] = static_cast<double>(logit[i]) - beta_[i];
    }
  }

  /// Adds, for each expert, the margin of the first token that does not fit its equal share.
  void add_thresholds(const RouterState<Scalar>& state, std::int64_t begin, std::int64_t end,
                      std::vector<double>& threshold) const {
    std::vector<double> shifted(beta_.size());
    std::vector<double> admission;
    std::vector<std::int32_t> top(static_cast<std::size_t>(state.top_k + 1));
    for (std::int64_t t = begin; t < end; ++t) {
      shift(state, t, shifted);
      top_k_indices(shifted.data(), state.num_experts, state.top_k + 1, top.data());
      admission.push_back(shifted[static_cast<std::size_t>(top.back())]);
    }
    const std::int64_t rank =
        std::min((end - begin) * state.top_k / state.num_experts, end - begin - 1);
    std::vector<double> margin(admission.size());
    for (std::int32_t i = 0; i < state.num_experts; ++i) {
      for (std::size_t r = 0; r < margin.size(); ++r) {
        const auto t = begin + static_cast<std::int64_t>(r);
        margin[r] = static_cast<double>(state.gate_logits.at(t, i)) - admission[r];
      }
      std::nth_element(margin.begin(), margin.begin() + rank, margin.end(), std::greater<>());
      threshold[static_cast<std::size_t>(i)] += margin[static_cast<std::size_t>(rank)];
    }
  }

  double ema_;
  std::vector<double> beta_;  ///< [E]
};

}  // namespace

template <class Scalar>
MethodParts<Scalar> make_quantile_rule(const NamedChoice& choice, const MethodContext& context) {
  if (context.top_k >= context.num_experts) {
    throw UsageError("train.method 'quantile' needs layer.top_k below layer.experts; lower top_k");
  }
  MethodParts<Scalar> parts;
  parts.rule = std::make_unique<QuantileRule<Scalar>>(choice.get("ema"), context.num_experts);
  return parts;
}

template MethodParts<float> make_quantile_rule(const NamedChoice&, const MethodContext&);
template MethodParts<double> make_quantile_rule(const NamedChoice&, const MethodContext&);

}  // namespace hotexpert::training
