#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

/// Keeps all first choices in token order before any second choice, and so on: GShard, Tutel,
/// DeepSpeed's top-2 gate. Needs slots by falling weight.
void keep_by_slot(const DropScope& scope, const NamedChoice& choice, KeptAssignments& kept);

}  // namespace hotexpert
