#include "sim/training/methods/importance_loss.hpp"

#include <algorithm>
#include <vector>

#include "sim/training/methods/squared_cv.hpp"

namespace hotexpert::training {
namespace {

template <class Scalar>
class ImportanceLoss final : public BalancingLoss<Scalar> {
 public:
  explicit ImportanceLoss(double weight) : weight_(weight) {}

  double add(const RouterState<Scalar>& state, RouterGradient<Scalar>& gradient) const override {
    const std::int64_t scope = state.micro_batch_tokens;
    const int slots = state.selection.slots;
    const double scale = weight_ * static_cast<double>(scope) / static_cast<double>(state.tokens);
    std::vector<double> importance(static_cast<std::size_t>(state.num_experts));
    double total = 0;
    for (std::int64_t begin = 0; begin < state.tokens; begin += scope) {
      std::fill(importance.begin(), importance.end(), 0.0);
      for (std::int64_t i = begin * slots; i < (begin + scope) * slots; ++i) {
        const auto entry = static_cast<std::size_t>(i);
        const auto expert = state.selection.ids[entry];
        if (expert < 0) continue;
        importance[static_cast<std::size_t>(expert)] +=
            static_cast<double>(state.gates.values[entry]);
      }
      total += scale * squared_cv(importance);
      for (std::int64_t i = begin * slots; i < (begin + scope) * slots; ++i) {
        const auto entry = static_cast<std::size_t>(i);
        const auto expert = state.selection.ids[entry];
        if (expert < 0) continue;
        gradient.gates.values[entry] +=
            static_cast<Scalar>(scale * importance[static_cast<std::size_t>(expert)]);
      }
    }
    return total;
  }

  [[nodiscard]] double balanced_value() const override { return 0; }

 private:
  double weight_;
};

}  // namespace

template <class Scalar>
MethodParts<Scalar> make_importance_loss(const NamedChoice& choice, const MethodContext&) {
  MethodParts<Scalar> parts;
  parts.loss = std::make_unique<ImportanceLoss<Scalar>>(choice.get("weight"));
  return parts;
}

template MethodParts<float> make_importance_loss(const NamedChoice&, const MethodContext&);
template MethodParts<double> make_importance_loss(const NamedChoice&, const MethodContext&);

}  // namespace hotexpert::training
