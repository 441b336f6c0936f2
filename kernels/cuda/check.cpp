#include "kernels/cuda/check.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "sim/base/errors.hpp"

namespace hotexpert {

void check_cuda(cudaError_t status, std::string_view what) {
  if (status == cudaSuccess) return;
  throw DeviceError(
      fmt::format("{}: the CUDA device failed with {} ({}); compute-sanitizer and "
                  "the driver's log say more",
                  what, cudaGetErrorName(status), cudaGetErrorString(status)));
}

void check_launches(std::string_view what) { check_cuda(cudaGetLastError(), what); }

}  // namespace hotexpert
