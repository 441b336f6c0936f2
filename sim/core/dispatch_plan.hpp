#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/decimal.hpp"
#include "sim/core/expert_placement.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// How many rows an expert may keep, and which are dropped. Names are rows of the lists in
/// sim/routing.
struct CapacityPolicy {
  std::optional<Decimal> factor = {};    ///< nullopt = dropless
  std::string rule = "megatron";         ///< capacity rule, with parameters inline
  std::string drop_policy = "position";  ///< which assignments are dropped
  std::int64_t group = 0;                ///< tokens that share a capacity; 0 = the whole batch
  std::uint64_t seed = 0;                ///< for drop policies that draw
  bool float_compat =
      false;  ///< repeat the framework's double arithmetic instead of exact decimals
};

/// Which token rows go to which physical expert, ready to compute: the output of plan_dispatch().
/// Rows are sorted by physical expert; inside an expert by token, then slot.
struct DispatchPlan {
  std::int64_t tokens = 0;
  int slots = 0;
  int num_physical = 0;  ///< P
  std::vector<std::int64_t>
      expert_offsets;  ///< [P+1] rows of physical expert p: [offsets[p], offsets[p+1])
  std::vector<std::int64_t> capacity;      ///< [P] most rows expert p may keep; empty when dropless
  std::vector<std::int32_t> source_token;  ///< [rows] token of each row
  std::vector<std::int32_t>
      source_slot;                 ///< [rows] token * slots + slot: position of the row in topk_ids
  std::vector<float> gate_weight;  ///< [rows], or empty when the trace has no weights
  std::vector<std::int32_t>
      dropped;                ///< positions (token * slots + slot) that were dropped, ascending
  std::int64_t absent = 0;    ///< slots without an expert
  std::int64_t rerouted = 0;  ///< rows computed by another expert than the routing chose
  std::int64_t invalid = 0;   ///< slots with an id out of range (kept only by importers' --on-bad)
  std::vector<std::int64_t>
      send_rows;  ///< [R, R] rows from source rank to expert's rank; empty for one rank
  std::vector<std::int32_t> rank_of_expert;  ///< [P]
  int num_ranks = 1;

  [[nodiscard]] std::int64_t rows() const {
    return expert_offsets.empty() ? 0 : expert_offsets.back();
  }
  [[nodiscard]] std::int64_t rows(int physical) const {
    const auto p = static_cast<std::size_t>(physical);
    return expert_offsets[p + 1] - expert_offsets[p];
  }
};

/// Kept + dropped + absent + invalid = tokens * slots, offsets rise, tokens in range, no expert
/// over its capacity, no (token, slot) twice, send_rows add up. Called after every plan.
/// @throws std::logic_error naming the broken invariant: a bug of ours, never of the input.
void check_invariants(const DispatchPlan& plan);

}  // namespace hotexpert
