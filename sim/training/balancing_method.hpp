#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sim/base/params.hpp"
#include "sim/training/router_state.hpp"

namespace hotexpert::training {

/// A term of the training loss that depends on the router's values.
template <class Scalar>
class BalancingLoss {
 public:
  virtual ~BalancingLoss() = default;
  /// Returns the term, coefficient included, and adds its gradient. Counts of assignments are
  /// constants of the gradient.
  virtual double add(const RouterState<Scalar>& state, RouterGradient<Scalar>& gradient) const = 0;
  /// The term's value at perfect balance (equal counts, equal scores), where the convention has
  /// one; NaN otherwise. Below it while loads are skewed, the router "hacks" the loss.
  [[nodiscard]] virtual double balanced_value() const;
};

/// A rule that decides where tokens go instead of the plain top-k of the scores.
template <class Scalar>
class SelectionRule {
 public:
  virtual ~SelectionRule() = default;
  /// Fills `selection` from the state's logits and scores.
  /// @param training false for held-out batches, where some rules fall back to plain top-k
  virtual void select(const RouterState<Scalar>& state, bool training,
                      Selection& selection) const = 0;
  /// Called once after each optimiser step with what that step's router computed and the
  /// assignments each expert got before drops [E].
  virtual void update(const RouterState<Scalar>& state, std::span<const std::int64_t> load);
  /// The rule's memory: [E] biases, or empty. Written to checkpoints and read back.
  virtual std::span<double> memory() { return {}; }
  /// True where gates are the raw scores and are never renormalised.
  [[nodiscard]] virtual bool raw_gates() const { return false; }
};

/// What one balancing method adds to training; either pointer may be null.
template <class Scalar>
struct MethodParts {
  std::unique_ptr<BalancingLoss<Scalar>> loss;
  std::unique_ptr<SelectionRule<Scalar>> rule;
};

/// Sizes a method is built for.
struct MethodContext {
  int num_experts = 0;
  int top_k = 0;
  ScoreFunction score = ScoreFunction::kSoftmax;
};

/// One member of the family of balancing methods.
struct BalancingMethodRow {
  std::string_view name;
  std::string_view summary;
  /// The formula the coefficient multiplies: printed beside every coefficient.
  std::string_view convention;
  std::span<const ParamSpec> params;
  std::string_view coefficient;  ///< the parameter that train.weight sets; empty: none
  bool noisy = false;            ///< the router adds trainable noise to its logits in training
  MethodParts<float> (*make_float)(const NamedChoice&, const MethodContext&) = nullptr;
  MethodParts<double> (*make_double)(const NamedChoice&, const MethodContext&) = nullptr;
};

/// Every balancing method.
std::span<const BalancingMethodRow> balancing_methods();

}  // namespace hotexpert::training
