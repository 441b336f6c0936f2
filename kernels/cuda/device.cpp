#include <cuda_runtime_api.h>

#include "kernels/cuda/device.hpp"

namespace hotexpert {

CudaDevice first_cuda_device() {
  CudaDevice device;
  int driver = 0;
  // The clean test for "no driver": every other call answers with a different error by driver
  // state.
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    device.unavailable = "no NVIDIA driver is loaded; install one, or use backend cpu";
    return device;
  }
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    device.unavailable = std::string("no CUDA device is visible (") +
                         (status == cudaSuccess ? "none was found" : cudaGetErrorString(status)) +
                         "); check nvidia-smi and CUDA_VISIBLE_DEVICES, or use backend cpu";
    return device;
  }
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) {
    device.unavailable = "the CUDA device does not answer; check nvidia-smi, or use backend cpu";
    return device;
  }
  device.name = properties.name;
  device.major = properties.major;
  device.minor = properties.minor;
  device.multiprocessors = properties.multiProcessorCount;
  device.memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  device.l2_bytes = properties.l2CacheSize;
  int kilohertz = 0;
  if (cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, 0) == cudaSuccess)
    device.clock_hz = 1e3 * kilohertz;
  return device;
}

std::int64_t free_device_bytes() {
  std::size_t free = 0;
  std::size_t total = 0;
  return cudaMemGetInfo(&free, &total) == cudaSuccess ? static_cast<std::int64_t>(free) : 0;
}

}  // namespace hotexpert
