#pragma once

#include <driver_types.h>

#include <string>
#include <string_view>

namespace hotexpert {

/// Whether a CUDA call that may fail did not. A failure is forgotten, so that no later check takes
/// it for its own.
bool succeeded(cudaError_t status);

/// Throws when a CUDA call failed.
/// @param what what was being done, in words: "copying gate weights to the device"
/// @throws NotEnoughMemory when memory ran out, else DeviceError with CUDA's name and words for the
/// failure
void check_cuda(cudaError_t status, std::string_view what);

/// The error of kernel launches since the last check. @throws as check_cuda()
void check_launches(std::string_view what);

/// "reserving device memory: the CUDA device has not enough memory (0.52 GiB are free); …"
std::string out_of_device_memory_text(std::string_view what);

}  // namespace hotexpert
