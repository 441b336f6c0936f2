#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/dispatch_plan.hpp"
#include "sim/core/expert_placement.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// Bins of an id histogram: 0 holds absent slots, 1 + e expert e, E + 1 ids out of range.
inline std::size_t id_bins(int num_experts) { return static_cast<std::size_t>(num_experts) + 2; }

/// Scratch of a plan, kept from one plan to the next so that nothing is allocated once it has
/// grown.
struct SortScratch {
  std::vector<std::uint32_t> lanes;   ///< histograms that are added up
  std::vector<std::uint32_t> cursor;  ///< [id_bins] next row of each bin
  std::vector<std::uint32_t> limit;   ///< [id_bins] first row a bin may not take in this group
  std::vector<std::int64_t> kept;     ///< [id_bins] assignments of a bin that are not dropped
  std::vector<std::int32_t> token;    ///< rows by logical expert, before replicas share them
  std::vector<std::int32_t> slot;
  std::vector<float> weight;
};

/// Counts ids into `load` [id_bins].   @param ids at most 2^32 - 1
void count_ids(std::span<const StoredExpert> ids, int num_experts, std::span<std::uint32_t> load,
               SortScratch& scratch);

/// A sort of a batch's assignments by physical expert.
struct RowSort {
  std::span<const StoredExpert> ids;       ///< [tokens * slots]
  std::span<const float> weights;          ///< [tokens * slots], or empty
  std::int64_t group_tokens = 0;           ///< tokens that share a capacity, >= 1
  std::span<const std::uint32_t> load;     ///< [groups, id_bins] from count_ids
  std::span<const std::int64_t> capacity;  ///< [groups] rows an expert may keep; empty = all
};

/// Fills expert_offsets, source_token, source_slot, gate_weight and dropped of `plan`, whose tokens
/// and slots are set, by a stable counting sort. With a capacity the first rows of each expert in a
/// group stay. Absent slots and ids out of range are left out. The rows of a replicated expert are
/// dealt to its replicas in turn.
void sort_rows(const RowSort& sort, const ExpertPlacement& placement, SortScratch& scratch,
               DispatchPlan& plan);

}  // namespace hotexpert
