#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

/// Keeps the first assignments of each bin in token order, in a token by slot. The policy of
/// frameworks that number tokens by a running count.
void keep_by_position(const DropScope& scope, const NamedChoice& choice, KeptAssignments& kept);

}  // namespace hotexpert
