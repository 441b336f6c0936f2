#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/dispatch_plan.hpp"

namespace hotexpert {

/// Distinct tokens of each rank that have a row on each node: [R, nodes], nodes of
/// `ranks_per_node` neighbouring ranks. RankTraffic::node_tokens of a node-limited dispatch.
/// @param source_rank [tokens] rank that owns each token, in [0, plan.num_ranks)
std::vector<std::int64_t> count_node_tokens(const DispatchPlan& plan, int ranks_per_node,
                                            std::span<const std::int32_t> source_rank);

}  // namespace hotexpert
