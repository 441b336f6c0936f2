#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/capacity_formula.hpp"

namespace hotexpert {

/// MegaBlocks' MoE layer (layers/moe.py, expert_capacity): int(factor * (k * T * world / E)),
/// pooled over the ranks: T * world are all tokens of the step, so a group does not shrink the
/// scope. Its dMoE is dropless: capacity.factor none.
inline CapacityFormula megablocks_capacity(const CapacityScope& scope, const NamedChoice&) {
  return {.rounding = Rounding::kFloor,
          .numerator = scope.tokens * scope.top_k,
          .divisor = scope.num_experts};
}

}  // namespace hotexpert
