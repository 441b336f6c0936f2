#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/core/dispatch_plan.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// How many of some assignments were dropped.
struct DropCount {
  std::int64_t assignments = 0;
  std::int64_t dropped = 0;

  [[nodiscard]] double fraction() const {  ///< dropped / assignments; 0 of none
    return assignments == 0 ? 0.0 : static_cast<double>(dropped) / static_cast<double>(assignments);
  }
  DropCount& operator+=(const DropCount& other);
  friend bool operator==(const DropCount&, const DropCount&) = default;
};

/// What a plan dropped, counted. Absent slots and ids out of range count nowhere. Sums of several
/// plans are formed with +=.
struct DropStatistics {
  static constexpr std::size_t kDeciles = 10;

  DropCount all;
  std::int64_t tokens = 0;       ///< tokens with at least one assignment
  std::int64_t tokens_lost = 0;  ///< of them, tokens whose every assignment was dropped
  double gate_mass = 0;          ///< sum of the gate weights of all assignments; 0 without weights
  /// Gate weights of what was dropped, and what rerouting took from the others.
  double gate_mass_lost = 0;
  bool has_weights = false;
  /// Position bias: by the token's place among the batch's tokens, floor(10 * token / tokens).
  std::array<DropCount, kDeciles> by_batch_decile;
  /// By the token's place among the batch's tokens of its request; all zero without request ids.
  std::array<DropCount, kDeciles> by_sequence_decile;
  bool has_sequences = false;
  std::vector<DropCount> by_source_rank;  ///< [R]

  [[nodiscard]] double token_lost_fraction() const;  ///< 0 of no tokens
  /// nullopt without weights; 0 where they sum to 0.
  [[nodiscard]] std::optional<double> gate_mass_fraction() const;
  DropStatistics& operator+=(const DropStatistics& other);
};

/// Counts what `plan` dropped of `batch`, which it was made from. O(T * k).
DropStatistics count_drops(const RoutingBatch& batch, const DispatchPlan& plan);

}  // namespace hotexpert
