#include "sim/routing/policies/probs.hpp"

#include "sim/routing/policies/keep_best.hpp"

namespace hotexpert {

void keep_by_weight(const DropScope& scope, const NamedChoice&, KeptAssignments& kept) {
  keep_best(scope, kept, [&](std::int32_t a, std::int32_t b) {
    const float weight_a = orderable_weight(scope.batch, a);
    const float weight_b = orderable_weight(scope.batch, b);
    return weight_a != weight_b ? weight_a > weight_b : a < b;
  });
}

}  // namespace hotexpert
