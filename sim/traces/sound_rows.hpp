#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/traces/array_view.hpp"

namespace hotexpert {

/// Sees at a glance that rows of expert ids are sound: every id in [0, E), none absent, none twice
/// in a row.
class SoundRows {
 public:
  /// @param slots k >= 1   @param num_experts E in [1, kMaxExperts]   @param absent beside -1
  SoundRows(int slots, int num_experts, std::optional<std::int64_t> absent);

  /// @param ids [rows, slots] of an integer type
  /// @return false where a row is not sound, or has more than kMostMaskedSlots slots
  [[nodiscard]] bool all_sound(ElementType type, const std::byte* ids, std::int64_t rows) const;

 private:
  template <class Lane>
  bool all_sound_in(const std::vector<Lane>& masks, ElementType type, const std::byte* ids,
                    std::size_t rows) const;

  std::size_t slots_;
  std::uint32_t experts_;
  std::optional<std::uint16_t> absent_;     // where it would be in range
  std::vector<std::uint8_t> narrow_masks_;  // of slot_masks, where E <= 256
  std::vector<std::uint16_t> wide_masks_;   // elsewhere
};

}  // namespace hotexpert
