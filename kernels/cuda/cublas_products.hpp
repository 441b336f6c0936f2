#pragma once

#include <cublas_v2.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/device_buffer.hpp"
#include "kernels/cuda/stream.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// out [rows, columns] = x [rows, inner] · weights [columns, inner]^T, row-major, device pointers.
struct DenseProduct {
  const std::byte* x = nullptr;
  const std::byte* weights = nullptr;
  std::byte* out = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t inner = 0;
};

/// out [left_columns, right_columns] = left [rows, left_columns]^T · right [rows, right_columns],
/// row-major, device pointers.
struct OuterProduct {
  const std::byte* left = nullptr;
  const std::byte* right = nullptr;
  float* out = nullptr;
  std::int64_t rows = 0;
  std::int64_t left_columns = 0;
  std::int64_t right_columns = 0;
};

/// Products by cuBLAS on one stream, fp32 sums. Owns a handle with a workspace of its own, so that
/// calls can be captured into a graph.
class CublasProducts {
 public:
  /// @throws DeviceError when the library is missing
  CublasProducts(DataType dtype, DeviceStream stream);

  void run(const DenseProduct& product);
  /// `batch` products of equal size; strides in elements are rows * inner, columns * inner, rows *
  /// columns.
  void run_strided(const DenseProduct& product, int batch);
  /// One group a product; those without rows are left out. Sizes are read on the host during the
  /// call.
  /// @param pointers device arrays for the operands' addresses: written here on the stream, so one
  /// must not be shared by calls in flight. At least 3 * products * 8 bytes
  void run_grouped(const std::vector<DenseProduct>& products, DeviceBuffer& pointers);

  /// `batch` outer products of equal size, one after another in memory. No rows give zeros.
  void run_outer(const OuterProduct& product, int batch);

  /// Bytes of the workspace.
  static constexpr std::int64_t kWorkspaceBytes = std::int64_t{32} << 20;

 private:
  struct Destroy {
    void operator()(cublasHandle_t handle) const;
  };
  cudaDataType_t type_;
  DeviceStream stream_;
  std::int64_t element_;
  std::vector<const void*> host_pointers_;  // a copy in flight reads it: goes after what waits
  std::unique_ptr<cublasContext, Destroy> handle_;
  DeviceBuffer workspace_;
};

}  // namespace hotexpert
