#pragma once

#include <string>

namespace hotexpert {

/// The first CUDA device, or why there is none. Safe on a machine without a driver.
struct CudaDevice {
  std::string name;         ///< "NVIDIA H100 80GB HBM3"; empty when absent
  std::string unavailable;  ///< one sentence with the remedy; empty when there is a device
  int major = 0;            ///< compute capability
  int minor = 0;
  int multiprocessors = 0;
};

CudaDevice first_cuda_device();

}  // namespace hotexpert
