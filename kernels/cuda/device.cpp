#include "kernels/cuda/device.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/wait.hpp"

namespace hotexpert {
namespace {

/// 13000 is 13.0.
std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

}  // namespace

CudaDevice first_cuda_device() {
  CudaDevice device;
  int driver = 0;
  // The clean test for "no driver": every other call answers with a different error by driver
  // state.
  if (!succeeded(cudaDriverGetVersion(&driver)) || driver == 0) {
    device.unavailable = "no NVIDIA driver is loaded; install one, or use backend cpu";
    return device;
  }
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    (void)succeeded(status);
    device.unavailable = fmt::format(
        "the NVIDIA driver serves CUDA {} at most and this program is built for CUDA {}; install a "
        "newer driver, or use backend cpu",
        version_text(driver), version_text(CUDART_VERSION));
    return device;
  }
  if (!succeeded(status) || count == 0) {
    device.unavailable = fmt::format(
        "no CUDA device is visible ({}); check nvidia-smi and CUDA_VISIBLE_DEVICES, or use backend "
        "cpu",
        status == cudaSuccess ? "none was found" : cudaGetErrorString(status));
    return device;
  }
  (void)device_time_limit_s();  // what it says is refused before anything runs
  cudaDeviceProp properties{};
  if (!succeeded(cudaGetDeviceProperties(&properties, 0))) {
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
  if (succeeded(cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, 0)))
    device.clock_hz = 1e3 * kilohertz;
  return device;
}

std::int64_t free_device_bytes() {
  std::size_t free = 0;
  std::size_t total = 0;
  check_cuda(cudaMemGetInfo(&free, &total), "asking for free device memory");
  return static_cast<std::int64_t>(free);
}

std::string lost_device() {
  if (auto reason = abandoned_device(); !reason.empty()) return reason;
  const cudaError_t status = cudaStreamQuery(nullptr);
  if (succeeded(status) || status == cudaErrorNotReady) return "";
  return fmt::format("the CUDA device answers every call of this process with {} ({})",
                     cudaGetErrorName(status), cudaGetErrorString(status));
}

}  // namespace hotexpert
