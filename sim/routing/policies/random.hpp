#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

/// Keeps a uniformly random subset of each full bin (DeepSpeed's random token selection): the
/// assignments with the smallest words of Philox(seed, step, layer; token, slot).
void keep_at_random(const DropScope& scope, const NamedChoice& choice, KeptAssignments& kept);

}  // namespace hotexpert
