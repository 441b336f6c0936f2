#pragma once

#include <algorithm>

#include "sim/base/params.hpp"
#include "sim/routing/capacity_formula.hpp"

namespace hotexpert {

/// FastMoE's GShardGate (gates/gshard_gate.py): ceil(factor * T) * k // E.
inline CapacityFormula fastmoe_gshard_capacity(const CapacityScope& scope, const NamedChoice&) {
  return {.rounding = Rounding::kCeil,
          .numerator = scope.tokens,
          .multiplier = scope.top_k,
          .post_divisor = scope.num_experts,
          .divides_first = false};
}

/// FastMoE's SwitchGate (gates/switch_gate.py): ceil(factor * T / experts of a rank), one expert a
/// token. On R ranks that is R times the share of an expert.
inline CapacityFormula fastmoe_switch_capacity(const CapacityScope& scope, const NamedChoice&) {
  return {.rounding = Rounding::kCeil,
          .numerator = scope.tokens,
          .divisor = std::max(1, scope.num_experts / scope.num_ranks),
          .divides_first = false};
}

}  // namespace hotexpert
