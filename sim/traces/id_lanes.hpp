#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "sim/traces/array_view.hpp"

namespace hotexpert {

/// Eight expert ids beside each other: what one SSE2 or NEON register holds. An id that does not
/// fit 15 bits has its top bit set, so that it is outside any range of experts.
using IdLanes = std::uint16_t __attribute__((vector_size(16)));
inline constexpr std::int64_t kIdLanes = 8;
inline constexpr std::uint16_t kUnfitId = 0xffff;

constexpr IdLanes all_lanes(std::uint16_t value) {
  return IdLanes{value, value, value, value, value, value, value, value};
}

/// Lanes 0 to n - 1 all ones, the others zero.
inline IdLanes first_lanes(std::size_t n) {
  IdLanes mask{};
  for (std::size_t i = 0; i < n && i < static_cast<std::size_t>(kIdLanes); ++i) mask[i] = 0xffff;
  return mask;
}

inline IdLanes load_lanes(const std::uint16_t* ids) {
  IdLanes lanes;
  std::memcpy(&lanes, ids, sizeof(lanes));
  return lanes;
}
inline void store_lanes(std::uint16_t* ids, const IdLanes& lanes) {
  std::memcpy(ids, &lanes, sizeof(lanes));
}

/// One id of any integer type.
template <class T>
std::uint16_t narrow_id(T id) {
  if constexpr (sizeof(T) == 1) {
    return static_cast<std::uint16_t>(static_cast<std::int16_t>(id));  // i8: -1 becomes 0xffff
  } else if constexpr (sizeof(T) == 2) {
    return static_cast<std::uint16_t>(id);
  } else {
    const auto wide = static_cast<std::make_unsigned_t<T>>(id);
    return wide >> 15 == 0 ? static_cast<std::uint16_t>(wide) : kUnfitId;
  }
}

/// Eight ids of four little-endian bytes: the low word is the id if the high word is 0.
inline IdLanes narrow_words(const std::byte* data) {
  IdLanes a;
  IdLanes b;
  std::memcpy(&a, data, sizeof(a));
  std::memcpy(&b, data + sizeof(a), sizeof(b));
  const IdLanes low = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
  const IdLanes high = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
  return low | reinterpret_cast<IdLanes>(high != 0);
}

/// Eight ids of any integer type, from unaligned bytes.
template <class T>
IdLanes narrow_lanes(const std::byte* data) {
  if constexpr (sizeof(T) == 1) {
    using Bytes = std::uint8_t __attribute__((vector_size(8)));
    Bytes bytes;
    std::memcpy(&bytes, data, sizeof(bytes));
    const IdLanes lanes = __builtin_convertvector(bytes, IdLanes);
    if constexpr (std::is_unsigned_v<T>) return lanes;
    return lanes | ((lanes >> 7) * std::uint16_t{0xff00});  // a sign goes to all upper bits
  } else if constexpr (sizeof(T) == 2) {
    IdLanes lanes;
    std::memcpy(&lanes, data, sizeof(lanes));
    return lanes;
  } else {
    if constexpr (sizeof(T) == 4) return narrow_words(data);
    IdLanes lanes{};
    for (int i = 0; i < static_cast<int>(kIdLanes); ++i) {
      lanes[i] = narrow_id(load_element<T>(data, i));
    }
    return lanes;
  }
}

/// Lanes of `cur` whose id is in the same group of `k` lanes of `other`: all ones, else zero.
/// k in {1, 2, 4, 8}. A lane meets every lane of its group, for i ^ x runs over it.
template <int k>
IdLanes matches(const IdLanes& cur, const IdLanes& other) {
  auto hit = cur == other;
  if constexpr (k >= 2) {
    const IdLanes swapped = __builtin_shufflevector(other, other, 1, 0, 3, 2, 5, 4, 7, 6);
    hit |= cur == swapped;
    if constexpr (k >= 4) {
      hit |= cur == __builtin_shufflevector(other, other, 2, 3, 0, 1, 6, 7, 4, 5);
      hit |= cur == __builtin_shufflevector(swapped, swapped, 2, 3, 0, 1, 6, 7, 4, 5);
    }
    if constexpr (k >= 8) {
      hit |= cur == __builtin_shufflevector(other, other, 4, 5, 6, 7, 0, 1, 2, 3);
      hit |= cur == __builtin_shufflevector(other, other, 6, 7, 4, 5, 2, 3, 0, 1);
      hit |= cur == __builtin_shufflevector(swapped, swapped, 4, 5, 6, 7, 0, 1, 2, 3);
      hit |= cur == __builtin_shufflevector(swapped, swapped, 6, 7, 4, 5, 2, 3, 0, 1);
    }
  }
  return reinterpret_cast<IdLanes>(hit);
}

/// Lanes whose id is also in another lane of their group of k: all ones, else zero.
template <int k>
IdLanes repeats(const IdLanes& cur) {
  IdLanes hit{};
  const auto meet = [&](const IdLanes& other) { hit |= reinterpret_cast<IdLanes>(cur == other); };
  if constexpr (k >= 2) {
    const IdLanes swapped = __builtin_shufflevector(cur, cur, 1, 0, 3, 2, 5, 4, 7, 6);
    meet(swapped);
    if constexpr (k >= 4) {
      meet(__builtin_shufflevector(cur, cur, 2, 3, 0, 1, 6, 7, 4, 5));
      meet(__builtin_shufflevector(swapped, swapped, 2, 3, 0, 1, 6, 7, 4, 5));
    }
    if constexpr (k >= 8) {
      meet(__builtin_shufflevector(cur, cur, 4, 5, 6, 7, 0, 1, 2, 3));
      meet(__builtin_shufflevector(cur, cur, 6, 7, 4, 5, 2, 3, 0, 1));
      meet(__builtin_shufflevector(swapped, swapped, 4, 5, 6, 7, 0, 1, 2, 3));
      meet(__builtin_shufflevector(swapped, swapped, 6, 7, 4, 5, 2, 3, 0, 1));
    }
  }
  return hit;
}

}  // namespace hotexpert
