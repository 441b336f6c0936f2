#pragma once

#include "kernels/cuda/plan/cuda_device.hpp"

namespace hotexpert {

/// The first CUDA device, or why there is none. Safe on a machine without a driver.
CudaDevice first_cuda_device();

/// Bytes free on the device now. @throws DeviceError when it does not answer
std::int64_t free_device_bytes();

/// Why no later call can succeed in this process; "" while all is well. Waits for nothing.
std::string lost_device();

}  // namespace hotexpert
