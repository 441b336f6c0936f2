#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hotexpert {

/// Ranks as slot_search sees them: equally many slots each, rank r owning consecutive ones.
struct SearchRanks {
  std::vector<double> speed;  ///< [R] > 0
  std::int32_t per_node;      ///< ranks of a node: swaps inside a node are preferred to others
};

/// Experts in slots, changed step by step so that the slowest rank gets faster. A step is a swap of
/// two slots' experts, or a slot given from one expert's copy to another's; it is taken only if
/// every rank it touches ends below the slowest rank, so that repeated steps end. A rank never gets
/// a second copy of an expert.
class SlotSearch {
 public:
  /// @param load [E] rows of each expert; the caller keeps it alive
  /// @param slot_expert [P] expert in each slot, all experts present, P a multiple of the ranks
  SlotSearch(std::span<const double> load, SearchRanks ranks,
             std::vector<std::int32_t> slot_expert);

  /// Takes steps until the slowest rank is at `goal` or below, or no step helps.
  /// @return slowest_load()
  double descend(double goal);

  /// Exchanges the experts of two slots, whatever that does to the load.
  /// @return false, and no change, where a rank would get an expert twice
  bool swap(std::int32_t slot_a, std::int32_t slot_b);

  /// Takes a slot from a copy of its expert and gives it to a new copy of `expert`.
  /// @return false, and no change, where the slot's expert has no other copy or the rank would get
  /// `expert` twice
  bool give_slot(std::int32_t slot, std::int32_t expert);

  /// Rows / speed of the slowest rank.
  [[nodiscard]] double slowest_load() const { return scaled(slowest_rank()); }
  [[nodiscard]] double scaled(std::int32_t rank) const;
  [[nodiscard]] const std::vector<std::int32_t>& slot_expert() const { return slot_expert_; }
  [[nodiscard]] std::int32_t rank_of(std::int32_t slot) const { return slot / slots_per_rank_; }
  [[nodiscard]] std::int32_t node_of(std::int32_t slot) const {
    return rank_of(slot) / ranks_.per_node;
  }
  [[nodiscard]] std::int32_t slots_per_rank() const { return slots_per_rank_; }
  [[nodiscard]] std::int32_t slots_per_node() const { return slots_per_rank_ * ranks_.per_node; }
  [[nodiscard]] std::int32_t copies(std::int32_t expert) const;
  /// Rows of one copy of an expert.
  [[nodiscard]] double share(std::int32_t expert) const;

 private:
  struct Swap {
    std::int32_t slot_a, slot_b;
    double slowest;  ///< of the two ranks afterwards
  };
  struct CopyMove {
    std::int32_t slot, expert;
    double slowest;  ///< of the touched ranks afterwards
  };

  [[nodiscard]] bool holds(std::int32_t rank, std::int32_t expert) const;
  [[nodiscard]] bool may_swap(std::int32_t slot_a, std::int32_t slot_b) const;
  [[nodiscard]] bool may_give(std::int32_t slot, std::int32_t expert) const;
  [[nodiscard]] std::int32_t slowest_rank() const;
  [[nodiscard]] std::optional<Swap> best_swap(std::int32_t slowest, bool inside_node) const;
  [[nodiscard]] std::optional<CopyMove> best_copy_move(std::int32_t slowest) const;
  [[nodiscard]] std::optional<double> slowest_after(std::int32_t slot, std::int32_t expert,
                                                    std::int32_t slowest) const;
  void recompute(std::int32_t rank);

  std::span<const double> load_;
  SearchRanks ranks_;
  std::int32_t slots_per_rank_;
  std::vector<std::int32_t> slot_expert_;
  std::vector<std::vector<std::int32_t>> expert_slots_;  // [E] slots of each expert
  std::vector<double> rank_load_;                        // [R]
  mutable std::vector<double> change_;                   // [R] scratch of slowest_after
};

}  // namespace hotexpert
