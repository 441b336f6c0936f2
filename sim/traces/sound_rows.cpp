#include "sim/traces/sound_rows.hpp"

#include <algorithm>
#include <array>

#include "sim/traces/id_kernels.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kBlockIds = 4096;                 // stays in the first cache level
constexpr std::size_t kBehind = 64 + kMostMaskedSlots;  // what the kernels may read behind

}  // namespace

SoundRows::SoundRows(int slots, int num_experts, std::optional<std::int64_t> absent)
    : slots_(static_cast<std::size_t>(slots)), experts_(static_cast<std::uint32_t>(num_experts)) {
  if (absent && *absent >= 0 && *absent < num_experts)
    absent_ = static_cast<std::uint16_t>(*absent);
  if (slots_ > kMostMaskedSlots) return;
  if (num_experts <= 256) {
    narrow_masks_ = slot_masks<std::uint8_t>(slots_, id_kernels<std::uint8_t>().lanes);
  } else {
    wide_masks_ = slot_masks<std::uint16_t>(slots_, id_kernels<std::uint16_t>().lanes);
  }
}

template <class Lane>
bool SoundRows::all_sound_in(const std::vector<Lane>& masks, ElementType type, const std::byte* ids,
                             std::size_t rows) const {
  const auto& kernels = id_kernels<Lane>();
  const auto absent = static_cast<Lane>(absent_.value_or(0));
  std::array<Lane, kBlockIds + kBehind> block{};
  const std::size_t all = rows * slots_;
  const std::size_t step = kBlockIds / slots_ * slots_;
  for (std::size_t first = 0; first < all; first += step) {
    const std::size_t count = std::min(step, all - first);
    const std::byte* const from = ids + first * size_of(type);
    const bool in_range =
        kernels.narrow[static_cast<std::size_t>(type)](from, count, experts_, block.data());
    if (!in_range || !kernels.sound(block.data(), count, slots_, masks.data(), experts_, absent,
                                    absent_.has_value())) {
      return false;
    }
  }
  return true;
}

bool SoundRows::all_sound(ElementType type, const std::byte* ids, std::int64_t rows) const {
  if (slots_ > kMostMaskedSlots) return false;
  const auto count = static_cast<std::size_t>(rows);
  return experts_ <= 256 ? all_sound_in(narrow_masks_, type, ids, count)
                         : all_sound_in(wide_masks_, type, ids, count);
}

}  // namespace hotexpert
