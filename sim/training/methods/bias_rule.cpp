#include "sim/training/methods/bias_rule.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "sim/training/top_k.hpp"

namespace hotexpert::training {
namespace {

enum class BiasUpdate : std::uint8_t { kSign, kProportional, kMultiplicative };

template <class Scalar>
class BiasRule final : public SelectionRule<Scalar> {
 public:
  BiasRule(double u, BiasUpdate update, int num_experts)
      : u_(u),
        update_(update),
        bias_(static_cast<std::size_t>(num_experts),
              update == BiasUpdate::kMultiplicative ? 1.0 : 0.0) {}

  void select(const RouterState<Scalar>& state, bool, Selection& selection) const override {
    std::vector<double> biased(bias_.size());
    for (std::int64_t t = 0; t < state.tokens; ++t) {
      const Scalar* score = state.scores.row(t);
      for (std::size_t i = 0; i < bias_.size(); ++i) {
        const auto own = static_cast<double>(score[i]);
        biased[i] = update_ == BiasUpdate::kMultiplicative ? own * bias_[i] : own + bias_[i];
      }
      top_k_indices(biased.data(), state.num_experts, state.top_k,
                    selection.ids.data() + t * selection.slots);
    }
  }

  void update(const RouterState<Scalar>&, std::span<const std::int64_t> load) override {
    const double total = static_cast<double>(std::accumulate(load.begin(), load.end(), 0LL));
    const double mean = total / static_cast<double>(load.size());
    if (mean <= 0) return;
    for (std::size_t i = 0; i < load.size(); ++i) {
      const double error = (mean - static_cast<double>(load[i])) / mean;
      const double sign = error > 0 ? 1.0 : error < 0 ? -1.0 : 0.0;
      bias_[i] += u_ * (update_ == BiasUpdate::kProportional ? error : sign);
      if (update_ == BiasUpdate::kMultiplicative) bias_[i] = std::max(bias_[i], 0.0);
    }
  }

  std::span<double> memory() override { return bias_; }

 private:
  double u_;
  BiasUpdate update_;
  std::vector<double> bias_;  ///< [E]
};

}  // namespace

template <class Scalar>
MethodParts<Scalar> make_bias_rule(const NamedChoice& choice, const MethodContext& context) {
  MethodParts<Scalar> parts;
  parts.rule = std::make_unique<BiasRule<Scalar>>(
      choice.get("u"), static_cast<BiasUpdate>(choice.get_integer("update")), context.num_experts);
  return parts;
}

template MethodParts<float> make_bias_rule(const NamedChoice&, const MethodContext&);
template MethodParts<double> make_bias_rule(const NamedChoice&, const MethodContext&);

}  // namespace hotexpert::training
