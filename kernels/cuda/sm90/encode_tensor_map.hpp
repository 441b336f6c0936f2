#pragma once

#include <cuda.h>

#include "kernels/cuda/plan/tensor_map.hpp"

namespace hotexpert::sm90 {

/// The hardware's form of a tensor map over `matrix` (device memory, 16-byte aligned). The driver's
/// function is found at run time, so the program does not need libcuda to start.
/// @throws DeviceError when the driver lacks it or refuses the fields
CUtensorMap encode_tensor_map(const TensorMapFields& fields, void* matrix);

}  // namespace hotexpert::sm90
