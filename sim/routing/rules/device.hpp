#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/capacity_formula.hpp"

namespace hotexpert {

/// DeepSeek-V2 (arXiv 2405.04434, section 2.2.4): a budget a device, not an expert: the device's
/// share ceil(k * T / R * factor) of the assignments, lowest scores dropped first.
inline CapacityFormula device_capacity(const CapacityScope& scope, const NamedChoice&) {
  return {.rounding = Rounding::kCeil,
          .numerator = scope.tokens * scope.top_k,
          .divisor = scope.num_ranks};
}

}  // namespace hotexpert
