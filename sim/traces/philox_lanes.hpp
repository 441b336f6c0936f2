#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/base/random.hpp"

namespace hotexpert {

inline constexpr std::size_t kPhiloxWords = 4;  ///< of a block

/// philox(key, item, block) for many items at once, in loops the compiler vectorises: the same
/// words as sim/base/random, several times faster.
/// @param items [n]
/// @param words [4, n]: word w of items[i] at words[w * n + i]
void philox_lanes(const RandomKey& key, std::span<const std::uint32_t> items, std::uint32_t block,
                  std::span<std::uint32_t> words);

}  // namespace hotexpert
