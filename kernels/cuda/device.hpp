#pragma once

#include "kernels/cuda/plan/cuda_device.hpp"

namespace hotexpert {

/// The first CUDA device, or why there is none. Safe on a machine without a driver.
CudaDevice first_cuda_device();

/// Bytes free on the device now; 0 when it does not answer.
std::int64_t free_device_bytes();

}  // namespace hotexpert
