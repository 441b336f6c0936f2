#pragma once

#include <driver_types.h>

#include <string_view>

namespace hotexpert {

/// Throws when a CUDA call failed.
/// @param what what was being done, in words: "copying gate weights to the device"
/// @throws DeviceError with CUDA's name and words for the failure
void check_cuda(cudaError_t status, std::string_view what);

/// The error of kernel launches since the last check. @throws DeviceError likewise
void check_launches(std::string_view what);

}  // namespace hotexpert
