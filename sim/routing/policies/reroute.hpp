#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

/// Keeps by position, then gives each assignment that found no room, in position order, to the
/// token's best-scored expert that still has room and does not compute this token yet (equal
/// scores: lower index). What finds none is dropped. Nobody loses a first choice to a rerouted
/// assignment. A rerouted gate weight is scaled by new score / old score: the weight the token
/// would have had.
void keep_or_reroute(const DropScope& scope, const NamedChoice& choice, KeptAssignments& kept);

}  // namespace hotexpert
