#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// How long a search goes on.
struct SearchEffort {
  double goal = 0;  ///< rows / speed of the slowest rank at which to stop
  int trials = 0;   ///< random restarts at most
};

/// Lowers the slowest of ranks [first_rank, first_rank + rank_count) by changing the slots they
/// own, with the experts they hold now. Iterated local search; see refine.hpp.
/// @param slot_expert [P] expert of each slot; only the slots of these ranks change
void improve_ranks(const PlacementProblem& problem, int first_rank, int rank_count,
                   const SearchEffort& effort, RandomStream stream,
                   std::vector<std::int32_t>& slot_expert);

/// Deals whole groups to nodes, equally many each: EPLB's deal, then swaps of two groups as long as
/// they relieve the heaviest node (load / speed).
/// @return [groups] node of each group
std::vector<std::int32_t> deal_groups(const PlacementProblem& problem,
                                      const std::vector<std::int32_t>& eplb_deal);

/// Swaps experts between ranks as long as none gets slower than `slowest_load`: first those that
/// bring copies to the home node of their group, then those that bring experts of the same tokens
/// to one rank (by the problem's co-activation).
/// @param group_home [groups] node of each group, or empty: groups have no home
/// @param across_nodes may swaps cross nodes
void gather_copies(const PlacementProblem& problem, const std::vector<std::int32_t>& group_home,
                   bool across_nodes, double slowest_load, std::vector<std::int32_t>& slot_expert);

}  // namespace hotexpert
