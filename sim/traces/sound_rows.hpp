#pragma once

#include <cstdint>

#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// True when tokens first to first + tokens - 1 name an expert in [0, E) in every slot of every
/// layer, and none twice in a row. Eight ids at a time; false may also mean "look closer": at the
/// last few tokens of a trace.
/// @param tokens a multiple of 8
bool all_sound(const TraceArrays& arrays, std::int64_t first, std::int64_t tokens, int num_experts);

}  // namespace hotexpert
