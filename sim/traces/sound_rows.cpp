#include "sim/traces/sound_rows.hpp"

#include <algorithm>

#include "sim/traces/id_lanes.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kLanes = kIdLanes;

bool any(const IdLanes& lanes) {
  std::uint64_t halves[2];
  std::memcpy(halves, &lanes, sizeof(halves));
  return (halves[0] | halves[1]) != 0;
}

/// Slots that divide the lanes: the ids are one flat row of lanes.
template <class T, int k>
bool groups_sound(const std::byte* ids, std::size_t count, const IdLanes& experts,
                  const IdLanes& absent) {
  IdLanes bad{};
  for (std::size_t i = 0; i < count; i += kLanes) {
    const IdLanes id = narrow_lanes<T>(ids + i * sizeof(T));
    bad |= reinterpret_cast<IdLanes>((id >= experts) | (id == absent)) | repeats<k>(id);
  }
  return !any(bad);
}

/// Any number of slots: row by row, in blocks of eight lanes. Reads up to 7 ids behind the rows.
template <class T>
bool rows_sound(const std::byte* ids, std::size_t rows, std::size_t slots, const IdLanes& experts,
                const IdLanes& absent) {
  IdLanes bad{};
  for (std::size_t row = 0; row < rows; ++row, ids += slots * sizeof(T)) {
    for (std::size_t a = 0; a < slots; a += kLanes) {
      const IdLanes of_row = first_lanes(slots - a);
      const IdLanes id = narrow_lanes<T>(ids + a * sizeof(T));
      IdLanes wrong =
          reinterpret_cast<IdLanes>((id >= experts) | (id == absent)) | repeats<8>(id | ~of_row);
      for (std::size_t b = 0; b < a; b += kLanes) {
        wrong |= matches<8>(id, narrow_lanes<T>(ids + b * sizeof(T)));
      }
      bad |= wrong & of_row;
    }
  }
  return !any(bad);
}

}  // namespace

bool all_sound(const TraceArrays& arrays, std::int64_t first, std::int64_t tokens,
               int num_experts) {
  const auto slots = static_cast<std::size_t>(arrays.slots());
  const auto rows = static_cast<std::size_t>(tokens) * static_cast<std::size_t>(arrays.layers());
  const auto begin =
      static_cast<std::size_t>(first) * static_cast<std::size_t>(arrays.layers()) * slots;
  const IdLanes experts = all_lanes(static_cast<std::uint16_t>(num_experts));
  const IdLanes absent = all_lanes(arrays.absent_id ? narrow_id(*arrays.absent_id) : kUnfitId);
  const std::size_t all = static_cast<std::size_t>(arrays.topk_ids.elements());
  return with_integer_type(arrays.topk_ids.type, [&](auto element) {
    using T = decltype(element);
    const std::byte* ids = arrays.topk_ids.data + begin * sizeof(T);
    switch (slots) {
      case 1:
        return groups_sound<T, 1>(ids, rows * slots, experts, absent);
      case 2:
        return groups_sound<T, 2>(ids, rows * slots, experts, absent);
      case 4:
        return groups_sound<T, 4>(ids, rows * slots, experts, absent);
      case 8:
        return groups_sound<T, 8>(ids, rows * slots, experts, absent);
      default:
        return begin + rows * slots + kLanes <= all &&
               rows_sound<T>(ids, rows, slots, experts, absent);
    }
  });
}

}  // namespace hotexpert
