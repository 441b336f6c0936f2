#include "sim/routing/policies/probs.hpp"

#include <cmath>
#include <limits>

#include "sim/routing/policies/keep_best.hpp"

namespace hotexpert {

void keep_by_weight(const DropScope& scope, const NamedChoice&, KeptAssignments& kept) {
  const auto weights = scope.batch.topk_weights;
  const auto weight = [&](std::int32_t position) {
    const float w = weights[static_cast<std::size_t>(position)];
    return std::isnan(w) ? -std::numeric_limits<float>::infinity() : w;
  };
  keep_best(scope, kept, [&](std::int32_t a, std::int32_t b) {
    const float wa = weight(a);
    const float wb = weight(b);
    return wa != wb ? wa > wb : a < b;
  });
}

}  // namespace hotexpert
