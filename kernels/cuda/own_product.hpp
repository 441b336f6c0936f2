#pragma once

#include <cuda.h>

#include <cstdint>

#include "kernels/cuda/grouped_product.hpp"
#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "kernels/cuda/stream.hpp"
#include "kernels/tile_record.hpp"

namespace hotexpert {

/// What one ragged product over all experts reads and writes. Device pointers.
struct ProductOperands {
  void* x = nullptr;        ///< [buffer_rows, inner]
  void* weights = nullptr;  ///< [experts, weight_rows, inner]
  void* out = nullptr;      ///< [buffer_rows, columns]
  std::int64_t buffer_rows = 0;
  std::int64_t inner = 0;
  std::int64_t columns = 0;
  std::int64_t weight_rows = 0;  ///< of an expert: columns, or 2 * columns for SwiGLU
  Epilogue epilogue = Epilogue::kNone;
};

/// A product by one of this program's engines, ready to be put on a stream again and again.
class OwnProduct {
 public:
  OwnProduct() = default;
  /// @param counter 0 before each launch; used by order `dynamic` only
  OwnProduct(const CudaKernelChoice& choice, DataType dtype, int num_experts,
             const ProductOperands& operands, unsigned long long* counter);

  /// @param table experts to compute   @param records null: untraced
  void launch(const TileTable& table, TileRecord* records, DeviceStream stream) const;

 private:
  CudaKernelChoice choice_;
  DataType dtype_ = DataType::kBf16;
  GroupedProduct product_;
  CUtensorMap x_map_{};
  CUtensorMap weight_map_{};
  CUtensorMap out_map_{};
  unsigned long long* counter_ = nullptr;
};

}  // namespace hotexpert
