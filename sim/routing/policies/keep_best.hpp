#pragma once

#include <cmath>
#include <functional>
#include <limits>

#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

/// Keeps in each bin the assignments that come first in `before`, a strict order of positions
/// (token * slots + slot) that ends in the position itself, so that no two are equal.
/// Average O(assignments) a scope.
void keep_best(const DropScope& scope, KeptAssignments& kept,
               const std::function<bool(std::int32_t, std::int32_t)>& before);

/// Gate weight of a position; NaN counts as the lowest.
inline float orderable_weight(const RoutingBatch& batch, std::int32_t position) {
  const float weight = batch.topk_weights[static_cast<std::size_t>(position)];
  return std::isnan(weight) ? -std::numeric_limits<float>::infinity() : weight;
}

}  // namespace hotexpert
