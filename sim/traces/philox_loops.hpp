#pragma once

#include <cstddef>
#include <cstdint>

namespace hotexpert {

inline constexpr std::size_t kPhiloxLanes = 16;  ///< items in flight

/// What the blocks of a call have in common: the two key words and three words of the counter.
struct PhiloxCall {
  std::uint32_t key0, key1, block, step, layer;
};

// Words of `count` items, a multiple of kPhiloxLanes: word w of items[i] at words[w * stride + i].
// Once for each instruction set (philox_loops.cpp); the same words.
using PhiloxLoop = void(const PhiloxCall& call, const std::uint32_t* items, std::size_t count,
                        std::uint32_t* words, std::size_t stride);
PhiloxLoop philox_loop_Baseline;
PhiloxLoop philox_loop_Avx2;

}  // namespace hotexpert
