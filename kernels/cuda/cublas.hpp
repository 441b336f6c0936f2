#pragma once

#include <cublas_v2.h>

#include <string>
#include <string_view>

namespace hotexpert {

// cuBLAS overloads these two for old callers; the checks below keep our types the library's.
using CublasGemm = cublasStatus_t(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int,
                                  int, const void*, const void*, cudaDataType, int, const void*,
                                  cudaDataType, int, const void*, void*, cudaDataType, int,
                                  cublasComputeType_t, cublasGemmAlgo_t);
using CublasGemmStrided = cublasStatus_t(cublasHandle_t, cublasOperation_t, cublasOperation_t, int,
                                         int, int, const void*, const void*, cudaDataType, int,
                                         long long, const void*, cudaDataType, int, long long,
                                         const void*, void*, cudaDataType, int, long long, int,
                                         cublasComputeType_t, cublasGemmAlgo_t);
using CheckedGemm = decltype(static_cast<CublasGemm*>(&cublasGemmEx));
using CheckedGemmStrided = decltype(static_cast<CublasGemmStrided*>(&cublasGemmStridedBatchedEx));

/// The functions of cuBLAS that are used, found at run time: the program starts without it.
struct CublasFunctions {
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasSetWorkspace_v2) set_workspace = nullptr;
  CublasGemm* gemm = nullptr;
  CublasGemmStrided* gemm_strided = nullptr;
  decltype(&cublasGemmGroupedBatchedEx) gemm_grouped = nullptr;
  decltype(&cublasGetStatusString) status_text = nullptr;

  std::string reason;  ///< why it cannot be used; "" when every function was found
};

/// Loads the library once in the life of the process.
const CublasFunctions& cublas_functions();

/// Whether a call of cuBLAS that may fail did not; what CUDA keeps of a failure is forgotten.
bool succeeded(cublasStatus_t status);

/// @throws NotEnoughMemory when memory ran out, else DeviceError with cuBLAS's words
void check_cublas(cublasStatus_t status, std::string_view what);

}  // namespace hotexpert
