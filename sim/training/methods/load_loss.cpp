#include "sim/training/methods/load_loss.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "sim/base/errors.hpp"
#include "sim/training/methods/squared_cv.hpp"
#include "sim/training/top_k.hpp"

namespace hotexpert::training {
namespace {

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }
double normal_density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi); }

/// The k + 1 largest noisy logits of a token: what each expert has to beat.
struct Threshold {
  std::int32_t kth = 0;   ///< expert with the k-th largest: for experts outside the top k
  std::int32_t next = 0;  ///< expert with the (k+1)-th largest: for experts inside
  std::vector<std::int32_t> top;

  template <class Scalar>
  void find(const RouterState<Scalar>& state, std::int64_t t) {
    top.resize(static_cast<std::size_t>(state.top_k + 1));
    top_k_indices(state.gate_logits.row(t), state.num_experts, state.top_k + 1, top.data());
    kth = top[static_cast<std::size_t>(state.top_k - 1)];
    next = top[static_cast<std::size_t>(state.top_k)];
  }
  [[nodiscard]] std::int32_t of(std::int32_t expert) const {
    const bool inside = std::find(top.begin(), top.end() - 1, expert) != top.end() - 1;
    return inside ? next : kth;
  }
};

template <class Scalar>
class LoadLoss final : public BalancingLoss<Scalar> {
 public:
  explicit LoadLoss(double weight) : weight_(weight) {}

  double add(const RouterState<Scalar>& state, RouterGradient<Scalar>& gradient) const override {
    const std::int64_t scope = state.micro_batch_tokens;
    const double scale = weight_ * static_cast<double>(scope) / static_cast<double>(state.tokens);
    std::vector<double> load(static_cast<std::size_t>(state.num_experts));
    double total = 0;
    for (std::int64_t begin = 0; begin < state.tokens; begin += scope) {
      std::fill(load.begin(), load.end(), 0.0);
      for_each_probability(state, begin, begin + scope,
                           [&](std::int64_t, std::int32_t i, std::int32_t, double z, double) {
                             load[static_cast<std::size_t>(i)] += normal_cdf(z);
                           });
      total += scale * squared_cv(load);
      for_each_probability(
          state, begin, begin + scope,
          [&](std::int64_t t, std::int32_t i, std::int32_t rival, double z, double std) {
            const double slope =
                scale * load[static_cast<std::size_t>(i)] * normal_density(z) / std;
            gradient.clean_logits.at(t, i) += static_cast<Scalar>(slope);
            gradient.gate_logits.at(t, rival) -= static_cast<Scalar>(slope);
            gradient.noise_std.at(t, i) -= static_cast<Scalar>(slope * z);
          });
    }
    return total;
  }

  [[nodiscard]] double balanced_value() const override { return 0; }

 private:
  /// Calls visit(token, expert, expert that sets its threshold, z, noise_std).
  template <class Visit>
  static void for_each_probability(const RouterState<Scalar>& state, std::int64_t begin,
                                   std::int64_t end, Visit visit) {
    Threshold threshold;
    for (std::int64_t t = begin; t < end; ++t) {
      threshold.find(state, t);
      for (std::int32_t i = 0; i < state.num_experts; ++i) {
        const std::int32_t rival = threshold.of(i);
        const auto std = static_cast<double>(state.noise_std.at(t, i));
        const double z =
            static_cast<double>(state.clean_logits.at(t, i) - state.gate_logits.at(t, rival)) / std;
        visit(t, i, rival, z, std);
      }
    }
  }

  double weight_;
};

}  // namespace

template <class Scalar>
MethodParts<Scalar> make_load_loss(const NamedChoice& choice, const MethodContext& context) {
  if (context.top_k >= context.num_experts) {
    throw UsageError("train.method 'load' needs layer.top_k below layer.experts; lower top_k");
  }
  MethodParts<Scalar> parts;
  parts.loss = std::make_unique<LoadLoss<Scalar>>(choice.get("weight"));
  return parts;
}

template MethodParts<float> make_load_loss(const NamedChoice&, const MethodContext&);
template MethodParts<double> make_load_loss(const NamedChoice&, const MethodContext&);

}  // namespace hotexpert::training
