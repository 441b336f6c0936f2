#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/cuda/stream.hpp"

namespace hotexpert {

/// A multiprocessor's cycle counter and the device's nanosecond timer, read together.
struct ClockStamp {
  std::uint64_t cycles = 0;
  std::uint64_t ns = 0;  ///< 0: this multiprocessor was not seen
};

/// Every multiprocessor that gets a block writes its stamp to stamps[its number].
/// @param stamps [multiprocessors] device memory, set to 0 before
void launch_clock_stamp(ClockStamp* stamps, int multiprocessors, DeviceStream stream);

/// The clock between two stamps: the median over the multiprocessors that both hold.
/// @return Hz, or nullopt when none is in both
std::optional<double> clock_between(const std::vector<ClockStamp>& before,
                                    const std::vector<ClockStamp>& after);

}  // namespace hotexpert
