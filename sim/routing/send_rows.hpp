#pragma once

#include <cstdint>

#include "sim/core/dispatch_plan.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// First token of the block that `rank` of `num_ranks` owns where the trace names no ranks:
/// floor(tokens * rank / num_ranks); rank = num_ranks gives the end of the last block.
std::int64_t first_token_of_rank(std::int64_t tokens, int num_ranks, int rank);

/// Rank that owns `token`: batch.source_rank, or the contiguous block; 0 where there is one rank
/// only, whatever was recorded.
int source_rank(const RoutingBatch& batch, int num_ranks, std::int64_t token);

/// Fills plan.send_rows [R, R], rows from a token's rank to its expert's rank, from the plan's
/// rows; empty for one rank. O(P * R * log rows) for blocks, O(rows) for recorded ranks.
/// @throws InputError naming the token whose recorded source rank is outside [0, R)
void count_send_rows(const RoutingBatch& batch, DispatchPlan& plan);

}  // namespace hotexpert
