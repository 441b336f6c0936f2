#pragma once

#include "sim/base/params.hpp"
#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

inline constexpr ParamSpec kSequenceProtectedParams[] = {
    {"share", 0.1, 0, 1, "share of the sequences that are protected"},
};

/// DeepSeek-V2's training rule (arXiv 2405.04434, section 2.2.4): a random tenth of the sequences
/// is served first, then the highest gate weights stay. Sequences are drawn by Philox(seed; request
/// id), so that one is protected in every step and layer. The capacity stays a bound: where
/// protected assignments alone exceed it, the lowest weights among them are dropped.
void keep_protected_first(const DropScope& scope, const NamedChoice& choice, KeptAssignments& kept);

}  // namespace hotexpert
