#include "sim/training/methods/z_loss.hpp"

#include <algorithm>
#include <cmath>

namespace hotexpert::training {
namespace {

template <class Scalar>
class ZLoss final : public BalancingLoss<Scalar> {
 public:
  explicit ZLoss(double weight) : weight_(weight) {}

  double add(const RouterState<Scalar>& state, RouterGradient<Scalar>& gradient) const override {
    const double scale = weight_ / static_cast<double>(state.tokens);
    double total = 0;
    for (std::int64_t t = 0; t < state.tokens; ++t) {
      const Scalar* logit = state.clean_logits.row(t);
      const Scalar largest = *std::max_element(logit, logit + state.num_experts);
      double sum = 0;
      for (int i = 0; i < state.num_experts; ++i) {
        sum += std::exp(static_cast<double>(logit[i] - largest));
      }
      const double log_sum = static_cast<double>(largest) + std::log(sum);
      total += log_sum * log_sum;
      Scalar* out = gradient.clean_logits.row(t);
      for (int i = 0; i < state.num_experts; ++i) {
        const double softmax = std::exp(static_cast<double>(logit[i] - largest)) / sum;
        out[i] += static_cast<Scalar>(2 * scale * log_sum * softmax);
      }
    }
    return scale * total;
  }

 private:
  double weight_;
};

}  // namespace

template <class Scalar>
MethodParts<Scalar> make_z_loss(const NamedChoice& choice, const MethodContext&) {
  MethodParts<Scalar> parts;
  parts.loss = std::make_unique<ZLoss<Scalar>>(choice.get("weight"));
  return parts;
}

template MethodParts<float> make_z_loss(const NamedChoice&, const MethodContext&);
template MethodParts<double> make_z_loss(const NamedChoice&, const MethodContext&);

}  // namespace hotexpert::training
