#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/placement/rebalance_verdict.hpp"

namespace hotexpert {

/// Why a verdict is what it is: sentences with numbers, the deciding one first.
std::vector<std::string> reasons_for(const VerdictReport& report, const VerdictQuestion& question);

/// Why a trace of `steps` steps cannot be judged with windows up to `window`.
std::vector<std::string> reasons_for_short_trace(std::int64_t steps, std::int64_t window,
                                                 std::int64_t needed);

}  // namespace hotexpert
