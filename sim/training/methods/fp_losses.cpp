#include "sim/training/methods/fp_losses.hpp"

#include <vector>

namespace hotexpert::training {
namespace {

template <class Scalar>
class FpLoss final : public BalancingLoss<Scalar> {
 public:
  FpLoss(const FpConvention& convention, double weight, int top_k)
      : convention_(convention), weight_(weight), top_k_(top_k) {}

  double add(const RouterState<Scalar>& state, RouterGradient<Scalar>& gradient) const override {
    const std::int64_t scope = convention_.scope == LossScope::kSequence ? state.sequence_tokens
                                                                         : state.micro_batch_tokens;
    const double scope_weight = static_cast<double>(scope) / static_cast<double>(state.tokens);
    std::vector<double> share;
    if (convention_.global_counts) share = assignment_share(state, 0, state.tokens);
    double total = 0;
    for (std::int64_t begin = 0; begin < state.tokens; begin += scope) {
      if (!convention_.global_counts) share = assignment_share(state, begin, begin + scope);
      total += add_scope(state, begin, begin + scope, share, scope_weight, gradient);
    }
    return total;
  }

  [[nodiscard]] double balanced_value() const override {
    return weight_ * training::balanced_value(convention_, top_k_);
  }

 private:
  /// f_i over tokens [begin, end).
  std::vector<double> assignment_share(const RouterState<Scalar>& state, std::int64_t begin,
                                       std::int64_t end) const {
    std::vector<double> share(static_cast<std::size_t>(state.num_experts));
    const int counted = convention_.counted == CountedChoices::kFirst ? 1 : state.top_k;
    const double unit =
        1.0 / (static_cast<double>(end - begin) * (convention_.share_of_tokens ? 1 : counted));
    for (std::int64_t t = begin; t < end; ++t) {
      for (int slot = 0; slot < counted; ++slot) {
        const auto i = static_cast<std::size_t>(t * state.top_k + slot);
        share[static_cast<std::size_t>(state.plain_topk[i])] += unit;
      }
    }
    return share;
  }

  double add_scope(const RouterState<Scalar>& state, std::int64_t begin, std::int64_t end,
                   const std::vector<double>& share, double scope_weight,
                   RouterGradient<Scalar>& gradient) const {
    const double scale =
        weight_ * scope_weight * state.num_experts / static_cast<double>(end - begin);
    double total = 0;
    for (std::int64_t t = begin; t < end; ++t) {
      const Scalar* score = state.scores.row(t);
      Scalar* out = gradient.scores.row(t);
      double sum = 0;
      double weighted = 0;
      for (int i = 0; i < state.num_experts; ++i) {
        sum += static_cast<double>(score[i]);
        weighted += share[static_cast<std::size_t>(i)] * static_cast<double>(score[i]);
      }
      // d(weighted / sum) / d(score_i) = (share_i - weighted / sum) / sum where scores are
      // normalised.
      const double divisor = convention_.normalized_scores ? sum : 1.0;
      const double shift = convention_.normalized_scores ? weighted / sum : 0.0;
      total += weighted / divisor;
      for (int i = 0; i < state.num_experts; ++i) {
        out[i] +=
            static_cast<Scalar>(scale * (share[static_cast<std::size_t>(i)] - shift) / divisor);
      }
    }
    return scale * total;
  }

  const FpConvention& convention_;
  double weight_;
  int top_k_;
};

}  // namespace

double balanced_value(const FpConvention& convention, int top_k) {
  return convention.share_of_tokens ? top_k : 1;
}

const FpConvention* find_fp_convention(std::string_view name) {
  for (const auto& convention : kFpConventions) {
    if (convention.name == name) return &convention;
  }
  return nullptr;
}

template <class Scalar>
MethodParts<Scalar> make_fp_loss(const NamedChoice& choice, const MethodContext& context) {
  MethodParts<Scalar> parts;
  parts.loss = std::make_unique<FpLoss<Scalar>>(*find_fp_convention(choice.name()),
                                                choice.get("weight"), context.top_k);
  return parts;
}

template MethodParts<float> make_fp_loss(const NamedChoice&, const MethodContext&);
template MethodParts<double> make_fp_loss(const NamedChoice&, const MethodContext&);

}  // namespace hotexpert::training
