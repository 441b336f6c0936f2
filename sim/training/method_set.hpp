#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

/// One method of a combination, with its parameters.
struct MethodChoice {
  const BalancingMethodRow* row = nullptr;
  NamedChoice choice;
};

/// Reads methods combined with '+': "bias+sequence:weight=1e-4".
/// @throws UsageError for an unknown method or parameter, a method given twice, or `none` combined
std::vector<MethodChoice> parse_methods(std::string_view text);

/// Canonical text of a combination: parameters at their default are left out.
std::string to_string(const std::vector<MethodChoice>& methods);

/// Each coefficient with the formula it multiplies, one clause a method:
/// "megatron: weight = 0.01 in alpha E sum (c_i / kT) P_i; alpha at perfect balance". A number
/// alone says nothing: the same 0.01 is k times as strong in mixtral-hf.
std::string describe(const std::vector<MethodChoice>& methods);

/// True where the first method has a coefficient, so that train.weight means something.
bool takes_weight(std::string_view methods);

/// The combination with the first method's coefficient set: ("bias", 1e-2) gives "bias:u=0.01";
/// unchanged where that method has none.
std::string with_weight(std::string_view methods, double weight);

/// The methods of a run, built.
template <class Scalar>
struct MethodSet {
  std::vector<std::unique_ptr<BalancingLoss<Scalar>>> losses;
  std::unique_ptr<SelectionRule<Scalar>> rule;  ///< null: plain top-k
  bool noisy = false;                           ///< the router adds noise in training
};

/// @throws UsageError where two methods both decide where tokens go
template <class Scalar>
MethodSet<Scalar> make_methods(std::string_view text, const MethodContext& context);

/// A coefficient said in another convention.
struct Translation {
  std::optional<double> weight;  ///< none where no coefficient is equivalent
  std::string remark;            ///< what stays different, or why there is none; a sentence
};

/// The coefficient in convention `to` that pulls on the router as `weight` does in `from`: equal
/// loss at perfect balance and therefore, for equal f, equal gradient. Conventions of the f.P
/// family translate into each other; other methods only into themselves.
/// @throws UsageError for an unknown method
Translation translate_weight(std::string_view from, std::string_view to, double weight, int top_k);

}  // namespace hotexpert::training
