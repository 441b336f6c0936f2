#include "kernels/cuda/cublas.hpp"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include "kernels/cuda/check.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr const char* kLibrary = "libcublas.so.13";

template <class Function>
void find(void* library, const char* symbol, Function& function, std::string& reason) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
  if (function == nullptr && reason.empty())
    reason = fmt::format("{} has no {}; install the cuBLAS of CUDA 13", kLibrary, symbol);
}

CublasFunctions load() {
  CublasFunctions found;
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    found.reason = fmt::format(
        "{} was not found; install CUDA's libcublas, or use a kernel of our own (grouped, "
        "loop:gemm=own)",
        kLibrary);
    return found;
  }
  find(library, "cublasCreate_v2", found.create, found.reason);
  find(library, "cublasDestroy_v2", found.destroy, found.reason);
  find(library, "cublasSetStream_v2", found.set_stream, found.reason);
  find(library, "cublasSetWorkspace_v2", found.set_workspace, found.reason);
  find(library, "cublasGemmEx", found.gemm, found.reason);
  find(library, "cublasGemmStridedBatchedEx", found.gemm_strided, found.reason);
  find(library, "cublasGemmGroupedBatchedEx", found.gemm_grouped, found.reason);
  find(library, "cublasGetStatusString", found.status_text, found.reason);
  return found;
}

}  // namespace

const CublasFunctions& cublas_functions() {
  static const CublasFunctions functions = load();
  return functions;
}

bool succeeded(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) (void)cudaGetLastError();  // as succeeded(cudaError_t) says
  return status == CUBLAS_STATUS_SUCCESS;
}

void check_cublas(cublasStatus_t status, std::string_view what) {
  if (succeeded(status)) return;
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw NotEnoughMemory(out_of_device_memory_text(what));
  throw DeviceError(
      fmt::format("{}: cuBLAS failed: {}", what, cublas_functions().status_text(status)));
}

}  // namespace hotexpert
