#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/capacity_formula.hpp"

namespace hotexpert {

inline constexpr ParamSpec kDeepspeedParams[] = {
    {"min_capacity", 0, 0, 1e6, "fewest rows of an expert (DeepSpeed's own default is 4)"},
};

/// DeepSpeed (sharded_moe.py, _capacity): max(min_capacity, ceil(T / E * (factor * scale))), T the
/// local batch. The gates scale the factor by 1 (top1gating), 2 (top2gating) or k (topkgating).
inline CapacityFormula deepspeed_capacity(const CapacityScope& scope, const NamedChoice& choice,
                                          std::int64_t scale) {
  return {.rounding = Rounding::kCeil,
          .numerator = scope.tokens,
          .divisor = scope.num_experts,
          .factor_scale = scale,
          .minimum = choice.get_integer("min_capacity")};
}

inline CapacityFormula deepspeed_top1_capacity(const CapacityScope& s, const NamedChoice& choice) {
  return deepspeed_capacity(s, choice, 1);
}
inline CapacityFormula deepspeed_top2_capacity(const CapacityScope& s, const NamedChoice& choice) {
  return deepspeed_capacity(s, choice, 2);
}
inline CapacityFormula deepspeed_topk_capacity(const CapacityScope& s, const NamedChoice& choice) {
  return deepspeed_capacity(s, choice, s.top_k);
}

}  // namespace hotexpert
