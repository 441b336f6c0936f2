#pragma once

#include <string>
#include <string_view>

#include "kernels/cuda/stream.hpp"

namespace hotexpert {

/// Seconds that the host waits for work on the device before it takes the device for hung:
/// HOTEXPERT_DEVICE_TIMEOUT_S, or 120. No step of a layer takes as long, under a sanitizer neither.
/// @throws UsageError if it is no number above 0
double device_time_limit_s();

/// Checks the launches so far and waits until all work of a stream is done; null: the default
/// stream.
/// @param what what was being done, in words
/// @throws as check_cuda(); DeviceError when the limit passes. From then on the device is given up:
/// nothing that would wait for it is called any more, its memory is left to the end of the process,
/// and that end does not wait for it either.
void wait_for(DeviceStream stream, std::string_view what);

/// Why the device was given up; "" while it was not.
std::string abandoned_device();

}  // namespace hotexpert
