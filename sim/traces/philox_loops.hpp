#pragma once

#include <cstddef>
#include <cstdint>

namespace hotexpert {

inline constexpr std::size_t kPhiloxLanes = 16;  ///< items in flight: fills two AVX2 registers

/// Counters of 16 items; after the rounds, their words.
struct PhiloxCounters {
  std::uint32_t word[4][kPhiloxLanes];
};

// The ten rounds, once for each instruction set (philox_loops.cpp); the same words.
void philox_rounds_Baseline(PhiloxCounters& counters, std::uint32_t key0, std::uint32_t key1);
void philox_rounds_Avx2(PhiloxCounters& counters, std::uint32_t key0, std::uint32_t key1);

}  // namespace hotexpert
