#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/dispatch_plan.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// What one rank of an expert-parallel layer computes, as a plan of its own: the physical experts
/// in its slots, in their order, with the rows they received. Tokens are those with a row here,
/// numbered anew in rising order; slots, gate weights and capacities stay. The plan has one rank
/// and no dropped assignments: what the others compute counts as absent. O(rows log rows) of the
/// rank.
/// @param rank in [0, plan.num_ranks)
DispatchPlan rank_plan(const DispatchPlan& plan, int rank);

/// `experts` dense experts that every one of `tokens` passes with weight 1: shared experts, which
/// each rank runs on the tokens it owns.
DispatchPlan dense_plan(std::int64_t tokens, int experts);

/// Tokens that each rank owns: blocks, or as recorded. [R], their sum is batch.tokens
std::vector<std::int64_t> owned_tokens(const RoutingBatch& batch, int num_ranks);

}  // namespace hotexpert
