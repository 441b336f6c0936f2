#include "kernels/cuda/check.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "sim/base/errors.hpp"

namespace hotexpert {

bool succeeded(cudaError_t status) {
  // CUDA keeps a failure until it is asked for: told here, it must not be told by a later check.
  if (status != cudaSuccess) (void)cudaGetLastError();
  return status == cudaSuccess;
}

void check_cuda(cudaError_t status, std::string_view what) {
  if (succeeded(status)) return;
  if (status == cudaErrorMemoryAllocation) throw NotEnoughMemory(out_of_device_memory_text(what));
  throw DeviceError(
      fmt::format("{}: the CUDA device failed with {} ({}); compute-sanitizer and "
                  "the driver's log say more",
                  what, cudaGetErrorName(status), cudaGetErrorString(status)));
}

std::string out_of_device_memory_text(std::string_view what) {
  constexpr double kGib = 1 << 30;
  std::size_t free = 0;
  std::size_t total = 0;
  const bool known = succeeded(cudaMemGetInfo(&free, &total));
  return fmt::format(
      "{}: the CUDA device has not enough memory{}; lower step.tokens, raise layer.scale, or end "
      "what else uses the device",
      what, known ? fmt::format(" ({:.2f} GiB are free)", static_cast<double>(free) / kGib) : "");
}

void check_launches(std::string_view what) { check_cuda(cudaGetLastError(), what); }

}  // namespace hotexpert
