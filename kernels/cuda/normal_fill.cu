#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/cuda/normal_fill.hpp"

namespace hotexpert {
namespace {

constexpr int kThreads = 256;

__device__ void store(float value, float* out) { *out = value; }
__device__ void store(float value, __nv_bfloat16* out) { *out = __float2bfloat16_rn(value); }

/// Where element (row, column) of the output comes from.
enum class Source { kMatrix, kTransposed, kRows };

/// One thread a value, along the rows of `out` [rows, columns]. Philox draws 8 values a call and 7
/// of them are drawn again by others: filling is not timed, and any layout is one expression.
template <class Element>
__global__ void __launch_bounds__(kThreads)
    normal_kernel(NormalSequence sequence, std::uint32_t item, Source source, std::int64_t rows,
                  std::int64_t columns, Element* out) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= rows * columns) return;
  const std::int64_t row = i / columns;
  const std::int64_t column = i % columns;
  float value = 0.0F;
  if (source == Source::kRows) {
    value = normal_element(sequence, static_cast<std::uint32_t>(row), column);
  } else {
    value = normal_element(sequence, item, source == Source::kMatrix ? i : column * rows + row);
  }
  store(value, out + i);
}

void launch(const NormalSequence& sequence, std::uint32_t item, Source source, std::int64_t rows,
            std::int64_t columns, DataType dtype, void* out, DeviceStream stream) {
  if (rows * columns == 0) return;
  const auto blocks = static_cast<unsigned>((rows * columns + kThreads - 1) / kThreads);
  if (dtype == DataType::kFp32) {
    normal_kernel<<<blocks, kThreads, 0, stream>>>(sequence, item, source, rows, columns,
                                                   static_cast<float*>(out));
  } else {
    normal_kernel<<<blocks, kThreads, 0, stream>>>(sequence, item, source, rows, columns,
                                                   static_cast<__nv_bfloat16*>(out));
  }
}

}  // namespace

void launch_normal_matrix(const NormalSequence& sequence, std::uint32_t item, std::int64_t rows,
                          std::int64_t columns, bool transposed, DataType dtype, void* out,
                          DeviceStream stream) {
  if (transposed) {
    launch(sequence, item, Source::kTransposed, columns, rows, dtype, out, stream);
  } else {
    launch(sequence, item, Source::kMatrix, rows, columns, dtype, out, stream);
  }
}

void launch_normal_rows(const NormalSequence& sequence, std::int64_t rows, std::int64_t columns,
                        DataType dtype, void* out, DeviceStream stream) {
  launch(sequence, 0, Source::kRows, rows, columns, dtype, out, stream);
}

}  // namespace hotexpert
