#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/capacity_formula.hpp"

namespace hotexpert {

inline constexpr ParamSpec kTutelParams[] = {
    {"alignment", 1, 1, 65536, "rows are rounded up to a multiple of this"},
};

/// Tutel (fast_dispatch.py, extract_critical): k * int(factor * ceil(T / E)), then rounded up to
/// the alignment. Factor 0 is the largest load of the step (nothing dropped); a negative factor is
/// the largest load, but at most k * int(-factor * ceil(T / E)).
inline CapacityFormula tutel_capacity(const CapacityScope& scope, const NamedChoice& choice) {
  return {.rounding = Rounding::kFloor,
          .numerator = (scope.tokens + scope.num_experts - 1) / scope.num_experts,
          .multiplier = scope.top_k,
          .alignment = choice.get_integer("alignment"),
          .follows_load = true};
}

}  // namespace hotexpert
