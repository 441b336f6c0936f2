#pragma once

#include "kernels/cuda/plan/clock_stamp.hpp"
#include "kernels/cuda/stream.hpp"

namespace hotexpert {

/// Every multiprocessor that gets a block waits for a step of the nanosecond timer (about 1 us at
/// most) and writes its stamp to stamps[its number].
/// @param stamps [multiprocessors] device memory, set to 0 before
void launch_clock_stamp(ClockStamp* stamps, int multiprocessors, DeviceStream stream);

}  // namespace hotexpert
