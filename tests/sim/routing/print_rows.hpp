#pragma once

#include <ostream>

#include "sim/routing/capacity_rule.hpp"

namespace hotexpert {

/// Names a row in GoogleTest's messages, which would otherwise print its bytes.
inline void PrintTo(const CapacityRuleRow& row, std::ostream* out) { *out << row.name; }

}  // namespace hotexpert
