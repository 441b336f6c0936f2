#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

/// Keeps the highest gate weights of each bin; equal weights by position. NaN counts as lowest.
void keep_by_weight(const DropScope& scope, const NamedChoice& choice, KeptAssignments& kept);

}  // namespace hotexpert
