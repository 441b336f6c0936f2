#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/capacity_formula.hpp"

namespace hotexpert {

inline constexpr ParamSpec kGshardParams[] = {
    {"min_capacity", 4, 0, 1e6, "fewest rows of an expert"},
};

/// Switch Transformer (Fedus et al. 2021, section 2.2): floor(T / E * factor), one expert a token.
inline CapacityFormula switch_capacity(const CapacityScope& scope, const NamedChoice&) {
  return {.rounding = Rounding::kFloor, .numerator = scope.tokens, .divisor = scope.num_experts};
}

/// GShard as in Mesh-TensorFlow (moe.py, _top_2_gating): max(4, floor(S * factor / E)) a group of S
/// tokens, without a factor k: at factor 1 and k = 2 half of the assignments fit.
inline CapacityFormula gshard_capacity(const CapacityScope& scope, const NamedChoice& choice) {
  return {.rounding = Rounding::kFloor,
          .numerator = scope.tokens,
          .divisor = scope.num_experts,
          .minimum = choice.get_integer("min_capacity"),
          .divides_first = false};
}

}  // namespace hotexpert
