#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kernels/tile_record.hpp"

namespace hotexpert {

/// A multiprocessor's cycle counter at the moment when the device's nanosecond timer stepped. The
/// timer may step 1 us only; a counter read at a step ties the two together more closely.
struct ClockStamp {
  std::uint64_t cycles = 0;
  std::uint64_t ns = 0;  ///< 0: this multiprocessor was not seen
};

/// The clock between two stamps: the median over the multiprocessors that both hold.
/// @return Hz, or nullopt when none is in both
std::optional<double> clock_between(std::span<const ClockStamp> before,
                                    std::span<const ClockStamp> after);

/// Turns the cycle counts that traced kernels write as begin and end into nanoseconds of the
/// device's timer, each on the line through the two stamps of the tile's multiprocessor.
/// @param before, after [multiprocessors]   @param tiles begin and end in cycles, then in ns
/// @return false, with the tiles unchanged, when a tile's multiprocessor lacks a stamp
bool anchor_tiles(std::span<const ClockStamp> before, std::span<const ClockStamp> after,
                  std::span<TileRecord> tiles);

}  // namespace hotexpert
