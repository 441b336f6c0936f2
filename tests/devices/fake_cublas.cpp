// cuBLAS as the product finds it: plain column-major products, put on the handle's stream.

#include <cublas_v2.h>
#include <vector>

#include <string_view>

#include "kernels/bfloat16.hpp"
#include "kernels/cuda/cublas.hpp"
#include "tests/devices/fake_cuda.hpp"
#include "tests/devices/fake_libraries.hpp"

struct cublasContext {
  cudaStream_t stream = nullptr;
};

namespace hotexpert {
namespace {

using test::fake_cuda;

/// What a planted cudaError is to cuBLAS.
cublasStatus_t status_of(cudaError_t error) {
  if (error == cudaSuccess) return CUBLAS_STATUS_SUCCESS;
  return error == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED
                                            : CUBLAS_STATUS_EXECUTION_FAILED;
}

/// One column-major operand or result: element (row, column) of op(matrix).
struct Operand {
  const void* matrix;
  cudaDataType type;
  std::int64_t lead;
  bool transposed;
  [[nodiscard]] float at(std::int64_t row, std::int64_t column) const {
    const std::int64_t i = transposed ? row * lead + column : column * lead + row;
    return type == CUDA_R_32F ? static_cast<const float*>(matrix)[i]
                              : to_float(static_cast<const Bf16*>(matrix)[i]);
  }
};

/// A matrix as float [lines, k]: the rows of the left operand, the columns of the right one.
template <class At>
std::vector<float> lines_of(int lines, int k, const At& at) {
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(lines) * static_cast<std::size_t>(k));
  for (int line = 0; line < lines; ++line) {
    for (int i = 0; i < k; ++i) out.push_back(at(line, i));
  }
  return out;
}

/// c [m, n] = a [m, k] · b [k, n].
void multiply(const Operand& a, const Operand& b, void* c, cudaDataType type, std::int64_t lead,
              int m, int n, int k) {
  const auto rows = lines_of(m, k, [&](int row, int i) { return a.at(row, i); });
  const auto columns = lines_of(n, k, [&](int column, int i) { return b.at(i, column); });
  for (std::int64_t column = 0; column < n; ++column) {
    for (std::int64_t row = 0; row < m; ++row) {
      const float* x = rows.data() + row * k;
      const float* y = columns.data() + column * k;
      float sum = 0.0F;
      for (int i = 0; i < k; ++i) sum += x[i] * y[i];
      if (type == CUDA_R_32F) {
        static_cast<float*>(c)[column * lead + row] = sum;
      } else {
        static_cast<Bf16*>(c)[column * lead + row] = to_bf16(sum);
      }
    }
  }
}

std::int64_t bytes_of(cudaDataType type) { return type == CUDA_R_32F ? 4 : 2; }

cublasStatus_t create(cublasHandle_t* handle) {
  if (const auto error = fake_cuda().begin("cublasCreate")) return status_of(error);
  *handle = new cublasContext;
  ++fake_cuda().blas_handles;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t destroy(cublasHandle_t handle) {
  const auto error = fake_cuda().begin("cublasDestroy");
  if (!fake_cuda().drain_all()) ++fake_cuda().endless_waits;
  delete handle;
  --fake_cuda().blas_handles;
  return status_of(error);
}

cublasStatus_t set_stream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return status_of(fake_cuda().begin("cublasSetStream"));
}

cublasStatus_t set_workspace(cublasHandle_t, void*, std::size_t) {
  return status_of(fake_cuda().begin("cublasSetWorkspace"));
}

cublasStatus_t gemm_strided(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                            int m, int n, int k, const void*, const void* a, cudaDataType a_type,
                            int lda, long long a_stride, const void* b, cudaDataType b_type,
                            int ldb, long long b_stride, const void*, void* c, cudaDataType c_type,
                            int ldc, long long c_stride, int batch, cublasComputeType_t,
                            cublasGemmAlgo_t) {
  if (const auto error = fake_cuda().begin("cublasGemm")) return status_of(error);
  fake_cuda().put(handle->stream, cudaGraphNodeTypeKernel, [=] {
    const auto at = [](const void* first, std::int64_t elements, cudaDataType type) {
      return static_cast<const std::byte*>(first) + elements * bytes_of(type);
    };
    for (std::int64_t i = 0; i < batch; ++i)
      multiply({at(a, i * a_stride, a_type), a_type, lda, op_a == CUBLAS_OP_T},
               {at(b, i * b_stride, b_type), b_type, ldb, op_b == CUBLAS_OP_T},
               static_cast<std::byte*>(c) + i * c_stride * bytes_of(c_type), c_type, ldc, m, n, k);
  });
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                    int n, int k, const void* alpha, const void* a, cudaDataType a_type, int lda,
                    const void* b, cudaDataType b_type, int ldb, const void* beta, void* c,
                    cudaDataType c_type, int ldc, cublasComputeType_t compute,
                    cublasGemmAlgo_t algorithm) {
  return gemm_strided(handle, op_a, op_b, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb, 0,
                      beta, c, c_type, ldc, 0, 1, compute, algorithm);
}

/// Sizes are read during the call, addresses on the device.
cublasStatus_t gemm_grouped(cublasHandle_t handle, const cublasOperation_t*,
                            const cublasOperation_t*, const int* m, const int* n, const int* k,
                            const void*, const void* const* a, cudaDataType a_type, const int* lda,
                            const void* const* b, cudaDataType b_type, const int* ldb, const void*,
                            void* const* c, cudaDataType c_type, const int* ldc, int groups,
                            const int*, cublasComputeType_t) {
  if (const auto error = fake_cuda().begin("cublasGemmGrouped")) return status_of(error);
  for (int g = 0; g < groups; ++g) {
    fake_cuda().put(
        handle->stream, cudaGraphNodeTypeKernel,
        [=, m_g = m[g], n_g = n[g], k_g = k[g], lda_g = lda[g], ldb_g = ldb[g], ldc_g = ldc[g]] {
          multiply({a[g], a_type, lda_g, true}, {b[g], b_type, ldb_g, false}, c[g], c_type, ldc_g,
                   m_g, n_g, k_g);
        });
  }
  return CUBLAS_STATUS_SUCCESS;
}

const char* status_text(cublasStatus_t) { return "a status that a test planted"; }

}  // namespace

void* test::cublas_function(std::string_view symbol) {
  using test::pointer;
  if (symbol == "cublasCreate_v2") return pointer(create);
  if (symbol == "cublasDestroy_v2") return pointer(destroy);
  if (symbol == "cublasSetStream_v2") return pointer(set_stream);
  if (symbol == "cublasSetWorkspace_v2") return pointer(set_workspace);
  if (symbol == "cublasGemmEx") return pointer(gemm);
  if (symbol == "cublasGemmStridedBatchedEx") return pointer(gemm_strided);
  if (symbol == "cublasGemmGroupedBatchedEx") return pointer(gemm_grouped);
  if (symbol == "cublasGetStatusString") return pointer(status_text);
  return nullptr;
}

}  // namespace hotexpert
