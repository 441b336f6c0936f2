#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/capacity_formula.hpp"

namespace hotexpert {

inline constexpr ParamSpec kMegatronParams[] = {
    {"min_capacity", 0, 0, 1e6, "fewest rows of an expert"},
};

/// Megatron-Core (moe_utils.py, get_capacity): ceil(k * T / E * factor), T the local batch.
inline CapacityFormula megatron_capacity(const CapacityScope& scope, const NamedChoice& choice) {
  return {.rounding = Rounding::kCeil,
          .numerator = scope.tokens * scope.top_k,
          .divisor = scope.num_experts,
          .minimum = choice.get_integer("min_capacity")};
}

}  // namespace hotexpert
