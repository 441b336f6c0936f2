#include "sim/training/methods/sinkhorn_rule.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/training/top_k.hpp"

namespace hotexpert::training {
namespace {

constexpr double kSmallest = 1e-300;  // keeps a scale finite when every entry of a line underflows

template <class Scalar>
class SinkhornRule final : public SelectionRule<Scalar> {
 public:
  SinkhornRule(double tolerance, std::int64_t iterations)
      : tolerance_(tolerance), iterations_(iterations) {}

  void select(const RouterState<Scalar>& state, bool training,
              Selection& selection) const override {
    if (!training) {
      selection.ids = state.plain_topk;
      return;
    }
    const std::int64_t scope = state.micro_batch_tokens;
    Matrix<double> scaled(scope, state.num_experts);
    for (std::int64_t begin = 0; begin < state.tokens; begin += scope) {
      exponentials(state, begin, scaled);
      balance(scaled);
      for (std::int64_t r = 0; r < scope; ++r) {
        top_k_indices(scaled.row(r), state.num_experts, state.top_k,
                      selection.ids.data() + (begin + r) * selection.slots);
      }
    }
  }

 private:
  /// exp(logits), each row relative to its largest: a row's own scale does not matter.
  static void exponentials(const RouterState<Scalar>& state, std::int64_t begin,
                           Matrix<double>& out) {
    for (std::int64_t r = 0; r < out.rows; ++r) {
      const Scalar* logit = state.gate_logits.row(begin + r);
      const Scalar largest = *std::max_element(logit, logit + state.num_experts);
      for (std::int64_t i = 0; i < out.cols; ++i) {
        out.at(r, i) = std::exp(static_cast<double>(logit[i] - largest));
      }
    }
  }

  /// Multiplies rows and columns in place until the row scales settle.
  void balance(Matrix<double>& m) const {
    std::vector<double> row_scale(static_cast<std::size_t>(m.rows), 1.0);
    std::vector<double> column_scale(static_cast<std::size_t>(m.cols), 1.0);
    std::vector<double> column_sum(static_cast<std::size_t>(m.cols));
    for (std::int64_t iteration = 0; iteration < iterations_; ++iteration) {
      double change = 0;
      std::fill(column_sum.begin(), column_sum.end(), 0.0);
      for (std::int64_t r = 0; r < m.rows; ++r) {
        double sum = 0;
        for (std::int64_t i = 0; i < m.cols; ++i) {
          sum += m.at(r, i) * column_scale[static_cast<std::size_t>(i)];
        }
        double& scale = row_scale[static_cast<std::size_t>(r)];
        const double next = 1.0 / (static_cast<double>(m.rows) * std::max(sum, kSmallest));
        change += std::abs(next - scale);
        scale = next;
        for (std::int64_t i = 0; i < m.cols; ++i) {
          column_sum[static_cast<std::size_t>(i)] += m.at(r, i) * scale;
        }
      }
      for (std::size_t i = 0; i < column_scale.size(); ++i) {
        column_scale[i] = 1.0 / (static_cast<double>(m.cols) * std::max(column_sum[i], kSmallest));
      }
      if (change / static_cast<double>(m.rows) < tolerance_) break;
    }
    for (std::int64_t r = 0; r < m.rows; ++r) {
      for (std::int64_t i = 0; i < m.cols; ++i) {
        m.at(r, i) *= column_scale[static_cast<std::size_t>(i)];
      }
    }
  }

  double tolerance_;
  std::int64_t iterations_;
};

}  // namespace

template <class Scalar>
MethodParts<Scalar> make_sinkhorn_rule(const NamedChoice& choice, const MethodContext&) {
  MethodParts<Scalar> parts;
  parts.rule = std::make_unique<SinkhornRule<Scalar>>(choice.get("tolerance"),
                                                      choice.get_integer("iterations"));
  return parts;
}

template MethodParts<float> make_sinkhorn_rule(const NamedChoice&, const MethodContext&);
template MethodParts<double> make_sinkhorn_rule(const NamedChoice&, const MethodContext&);

}  // namespace hotexpert::training
