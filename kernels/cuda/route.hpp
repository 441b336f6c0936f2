#pragma once

#include "kernels/cuda/plan/route_phases.hpp"
#include "kernels/cuda/stream.hpp"

namespace hotexpert {

// Launchers of route_phases.hpp. All pointers are device memory; nothing synchronises; the caller
// checks launch errors (check.hpp).

/// counts [chunks, E] of each chunk.
void launch_count(const Assignments& in, std::int32_t* counts, DeviceStream stream);

/// First rows, kept rows, tile table; sets the tile counters of dynamic kernels to 0.
/// @param counters [2], may be null
void launch_layout(int num_experts, int chunks, const LayoutRules& rules, std::int32_t* counts,
                   const ExpertLayout& out, unsigned long long* counters, DeviceStream stream);

/// row_of_slot [assignments].
void launch_scatter(const Assignments& in, const std::int32_t* before, const ExpertLayout& layout,
                    std::int32_t* row_of_slot, DeviceStream stream);

}  // namespace hotexpert
