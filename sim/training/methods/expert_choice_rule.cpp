#include "sim/training/methods/expert_choice_rule.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace hotexpert::training {
namespace {

template <class Scalar>
class ExpertChoiceRule final : public SelectionRule<Scalar> {
 public:
  explicit ExpertChoiceRule(double factor) : factor_(factor) {}

  void select(const RouterState<Scalar>& state, bool, Selection& selection) const override {
    std::vector<std::vector<std::int32_t>> experts(static_cast<std::size_t>(state.tokens));
    const std::int64_t scope = state.micro_batch_tokens;
    const std::int64_t takes = std::clamp<std::int64_t>(
        std::llround(factor_ * static_cast<double>(scope * state.top_k) / state.num_experts), 1,
        scope);
    std::vector<std::int64_t> order(static_cast<std::size_t>(scope));
    for (std::int64_t begin = 0; begin < state.tokens; begin += scope) {
      for (std::int32_t i = 0; i < state.num_experts; ++i) {
        std::iota(order.begin(), order.end(), begin);
        std::nth_element(order.begin(), order.begin() + takes - 1, order.end(),
                         [&](std::int64_t a, std::int64_t b) {
                           const Scalar left = state.scores.at(a, i);
                           const Scalar right = state.scores.at(b, i);
                           return left != right ? left > right : a < b;
                         });
        for (std::int64_t r = 0; r < takes; ++r) {
          experts[static_cast<std::size_t>(order[static_cast<std::size_t>(r)])].push_back(i);
        }
      }
    }
    write_selection(state, experts, selection);
  }

  [[nodiscard]] bool raw_gates() const override { return true; }

 private:
  static void write_selection(const RouterState<Scalar>& state,
                              std::vector<std::vector<std::int32_t>>& experts,
                              Selection& selection) {
    std::size_t slots = 1;
    for (const auto& own : experts) slots = std::max(slots, own.size());
    selection.slots = static_cast<int>(slots);
    selection.ids.assign(experts.size() * slots, -1);
    for (std::size_t t = 0; t < experts.size(); ++t) {
      const Scalar* score = state.scores.row(static_cast<std::int64_t>(t));
      std::stable_sort(experts[t].begin(), experts[t].end(),
                       [&](std::int32_t a, std::int32_t b) { return score[a] > score[b]; });
      std::copy(experts[t].begin(), experts[t].end(),
                selection.ids.begin() + static_cast<std::ptrdiff_t>(t * slots));
    }
  }

  double factor_;
};

}  // namespace

template <class Scalar>
MethodParts<Scalar> make_expert_choice_rule(const NamedChoice& choice, const MethodContext&) {
  MethodParts<Scalar> parts;
  parts.rule = std::make_unique<ExpertChoiceRule<Scalar>>(choice.get("factor"));
  return parts;
}

template MethodParts<float> make_expert_choice_rule(const NamedChoice&, const MethodContext&);
template MethodParts<double> make_expert_choice_rule(const NamedChoice&, const MethodContext&);

}  // namespace hotexpert::training
