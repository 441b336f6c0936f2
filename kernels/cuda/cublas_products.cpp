#include "kernels/cuda/cublas_products.hpp"

#include <cuda_runtime_api.h>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/cublas.hpp"
#include "kernels/cuda/wait.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr float kOne = 1.0F;
constexpr float kZero = 0.0F;

int narrow(std::int64_t value) { return static_cast<int>(value); }

}  // namespace

// cuBLAS is column-major: row-major out = x · w^T is out^T = w · x^T there, with w transposed.

CublasProducts::CublasProducts(DataType dtype, DeviceStream stream)
    : type_(dtype == DataType::kFp32 ? CUDA_R_32F : CUDA_R_16BF),
      stream_(stream),
      element_(bytes_per_element(dtype)),
      workspace_(kWorkspaceBytes) {
  const auto& blas = cublas_functions();
  if (!blas.reason.empty()) throw DeviceError(blas.reason);
  cublasHandle_t handle = nullptr;
  check_cublas(blas.create(&handle), "starting cuBLAS");
  handle_.reset(handle);
  check_cublas(blas.set_stream(handle, stream), "starting cuBLAS");
  check_cublas(
      blas.set_workspace(handle, workspace_.data(), static_cast<std::size_t>(workspace_.bytes())),
      "starting cuBLAS");
}

void CublasProducts::run(const DenseProduct& p) {
  if (p.rows == 0) return;
  check_cublas(
      cublas_functions().gemm(handle_.get(), CUBLAS_OP_T, CUBLAS_OP_N, narrow(p.columns),
                              narrow(p.rows), narrow(p.inner), &kOne, p.weights, type_,
                              narrow(p.inner), p.x, type_, narrow(p.inner), &kZero, p.out, type_,
                              narrow(p.columns), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
      "an expert's product");
}

void CublasProducts::run_strided(const DenseProduct& p, int batch) {
  if (p.rows == 0 || batch == 0) return;
  check_cublas(
      cublas_functions().gemm_strided(
          handle_.get(), CUBLAS_OP_T, CUBLAS_OP_N, narrow(p.columns), narrow(p.rows),
          narrow(p.inner), &kOne, p.weights, type_, narrow(p.inner), p.columns * p.inner, p.x,
          type_, narrow(p.inner), p.rows * p.inner, &kZero, p.out, type_, narrow(p.columns),
          p.rows * p.columns, batch, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
      "the padded products");
}

// Row-major out = left^T · right is out^T = right^T · left there: right as it lies, left
// transposed.
void CublasProducts::run_outer(const OuterProduct& p, int batch) {
  const std::int64_t elements = p.left_columns * p.right_columns;
  if (p.rows == 0 || batch == 0) {
    check_cuda(cudaMemsetAsync(p.out, 0, static_cast<std::size_t>(batch * elements) * sizeof(float),
                               stream_),
               "clearing weight gradients");
    return;
  }
  check_cublas(
      cublas_functions().gemm_strided(
          handle_.get(), CUBLAS_OP_N, CUBLAS_OP_T, narrow(p.right_columns), narrow(p.left_columns),
          narrow(p.rows), &kOne, p.right, type_, narrow(p.right_columns), p.rows * p.right_columns,
          p.left, type_, narrow(p.left_columns), p.rows * p.left_columns, &kZero, p.out, CUDA_R_32F,
          narrow(p.right_columns), elements, batch, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
      "the weight gradients");
}

void CublasProducts::run_grouped(const std::vector<DenseProduct>& products,
                                 DeviceBuffer& pointers) {
  std::vector<int> m;
  std::vector<int> n;
  std::vector<int> k;
  std::vector<const void*> weights;
  std::vector<const void*> x;
  std::vector<const void*> out;
  for (const auto& p : products) {
    if (p.rows == 0) continue;
    m.push_back(narrow(p.columns));
    n.push_back(narrow(p.rows));
    k.push_back(narrow(p.inner));
    weights.push_back(p.weights);
    x.push_back(p.x);
    out.push_back(p.out);
  }
  if (m.empty()) return;
  const std::size_t groups = m.size();
  // The copy may still read the last call's addresses.
  wait_for(stream_, "waiting for addresses");
  host_pointers_ = weights;
  host_pointers_.insert(host_pointers_.end(), x.begin(), x.end());
  host_pointers_.insert(host_pointers_.end(), out.begin(), out.end());
  check_cuda(cudaMemcpyAsync(pointers.data(), host_pointers_.data(), 3 * groups * sizeof(void*),
                             cudaMemcpyHostToDevice, stream_),
             "copying addresses");
  auto* at = pointers.as<void*>();
  const std::vector<cublasOperation_t> transposed(groups, CUBLAS_OP_T);
  const std::vector<cublasOperation_t> plain(groups, CUBLAS_OP_N);
  const std::vector<float> ones(groups, kOne);
  const std::vector<float> zeros(groups, kZero);
  const std::vector<int> sizes(groups, 1);
  check_cublas(
      cublas_functions().gemm_grouped(
          handle_.get(), transposed.data(), plain.data(), m.data(), n.data(), k.data(), ones.data(),
          at, type_, k.data(), at + groups, type_, k.data(), zeros.data(), at + 2 * groups, type_,
          m.data(), narrow(static_cast<std::int64_t>(groups)), sizes.data(), CUBLAS_COMPUTE_32F),
      "the grouped products");
}

void CublasProducts::Destroy::operator()(cublasHandle_t handle) const {
  // It waits for the device.
  if (abandoned_device().empty()) (void)succeeded(cublas_functions().destroy(handle));
}

}  // namespace hotexpert
