#pragma once

#include <concepts>
#include <functional>

#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

/// Keeps in each bin the assignments that come first in `before`, a strict order of positions
/// (token * slots + slot) that ends in the position itself, so that no two are equal.
/// Average O(assignments) a scope.
void keep_best(const DropScope& scope, KeptAssignments& kept,
               const std::function<bool(std::int32_t, std::int32_t)>& before);

}  // namespace hotexpert
