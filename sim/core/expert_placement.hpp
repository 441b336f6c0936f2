#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/ids.hpp"

namespace hotexpert {

/// Where experts live: P physical experts in slots of R ranks; an expert with several slots is
/// replicated.
class ExpertPlacement {
 public:
  /// @param physical_to_logical [P] logical expert of each slot
  /// @param physical_to_rank [P] rank of each slot
  /// @throws UsageError unless every expert in [0, num_experts) has a slot and ids are in range.
  ExpertPlacement(int num_experts, int num_ranks, std::vector<LogicalExpert> physical_to_logical,
                  std::vector<Rank> physical_to_rank);

  /// Experts in order, E / R a rank (the first E mod R ranks hold one more).
  static ExpertPlacement contiguous(int num_experts, int num_ranks = 1);

  [[nodiscard]] int num_experts() const { return num_experts_; }
  [[nodiscard]] int num_ranks() const { return num_ranks_; }
  [[nodiscard]] int num_physical() const { return static_cast<int>(physical_to_logical_.size()); }
  [[nodiscard]] std::span<const LogicalExpert> physical_to_logical() const {
    return physical_to_logical_;
  }
  [[nodiscard]] std::span<const Rank> physical_to_rank() const { return physical_to_rank_; }
  /// The slots that hold `expert`, ascending.
  [[nodiscard]] std::span<const PhysicalExpert> replicas(LogicalExpert expert) const;
  /// True when slot i holds expert i: no replication, natural order.
  [[nodiscard]] bool is_identity() const { return identity_; }

 private:
  int num_experts_;
  int num_ranks_;
  std::vector<LogicalExpert> physical_to_logical_;
  std::vector<Rank> physical_to_rank_;
  std::vector<std::int32_t> replica_offsets_;  // [E+1]
  std::vector<PhysicalExpert> replica_slots_;  // [P]
  bool identity_ = true;
};

}  // namespace hotexpert
