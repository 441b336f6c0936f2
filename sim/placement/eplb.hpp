#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// EPLB's result for one layer, in its own terms.
struct EplbLayer {
  std::vector<std::int32_t> physical_to_logical;  ///< [P] expert of each slot
  std::vector<std::int32_t> copy_number;          ///< [P] which copy of its expert
  std::vector<std::int32_t> expert_count;         ///< [E] copies of each expert
};

/// DeepSeek's expert-parallel load balancer. Where `nodes` divides `groups`: deal groups to nodes
/// by load, replicate hot experts within each node, pack the replicas onto the node's ranks
/// (hierarchical); otherwise the same with one group and one node (global). Loads are compared and
/// summed in float, in the order of the original, so that results equal it slot by slot; ties go to
/// the lower index.
/// Source: `deepseek-ai/EPLB` eplb.py, rebalance_experts.
/// @throws UsageError unless ranks divide slots. O(E (P - E) / nodes + P R / nodes) work.
EplbLayer eplb(std::span<const double> load, const PlacementTarget& target);

/// EPLB's tensor [E, copies_stride]: the slot of each copy in the order of copy numbers, -1 where
/// there are fewer.
/// @param copies_stride at least the largest number of copies
std::vector<std::int32_t> logical_to_physical(std::span<const std::int32_t> physical_to_logical,
                                              std::span<const std::int32_t> copy_number,
                                              int num_experts, int copies_stride);

/// Heaviest first into the lightest pack that still has room, every pack taking the same number;
/// ties go to the lower index. One item a pack: item i goes to pack i.
struct Packing {
  std::vector<std::int32_t> pack;      ///< [items] pack of each item
  std::vector<std::int32_t> position;  ///< [items] how many items its pack held before it
};
Packing pack_balanced(std::span<const float> weight, int packs);

}  // namespace hotexpert
