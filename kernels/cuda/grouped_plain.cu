#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/cuda/grouped_product.hpp"

namespace hotexpert {
namespace {

constexpr int kSide = 16;   // threads a side of the block; each computes kMicro x kMicro values
constexpr int kMicro = 4;   // 16 * 4 = 64, the tile
constexpr int kDepth = 16;  // values of the inner dimension at a time
constexpr int kThreads = kSide * kSide;
static_assert(kSide * kMicro == kPlainTileRows && kSide * kMicro == kPlainTileColumns);

__device__ float to_float(float value) { return value; }
__device__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ void store(float value, float* out) { *out = value; }
__device__ void store(float value, __nv_bfloat16* out) { *out = __float2bfloat16_rn(value); }

using Panel = float[kDepth][kPlainTileRows];

/// panel[k][i] = matrix[first + i, k0 + k], zero outside [rows, inner].
template <class Element>
__device__ void load_panel(const Element* matrix, std::int64_t first, int rows, int inner, int k0,
                           Panel& panel) {
  for (int i = static_cast<int>(threadIdx.x); i < kDepth * kPlainTileRows; i += kThreads) {
    const int row = i / kDepth;
    const int k = i % kDepth;
    const bool inside = row < rows && k0 + k < inner;
    panel[k][row] = inside ? to_float(matrix[(first + row) * inner + k0 + k]) : 0.0F;
  }
}

__device__ void multiply(const Panel& a, const Panel& b, int row, int column,
                         float (&acc)[kMicro][kMicro]) {
  for (int k = 0; k < kDepth; ++k) {
#pragma unroll
    for (int i = 0; i < kMicro; ++i)
#pragma unroll
      for (int j = 0; j < kMicro; ++j)
        acc[i][j] = fmaf(a[k][row + i * kSide], b[k][column + j * kSide], acc[i][j]);
  }
}

template <class Element>
__global__ void __launch_bounds__(kThreads) grouped_plain_kernel(GroupedProduct product) {
  __shared__ Panel a;
  __shared__ Panel b;
  __shared__ Panel up;
  const auto* x = static_cast<const Element*>(product.x);
  const auto* weights = static_cast<const Element*>(product.weights);
  auto* out = static_cast<Element*>(product.out);
  const bool paired = product.epilogue == Epilogue::kSwiglu;
  const int row = static_cast<int>(threadIdx.x) / kSide;
  const int column = static_cast<int>(threadIdx.x) % kSide;
  const std::int64_t count = tile_count(product.table, product.column_tiles);
  for (std::int64_t index = blockIdx.x; index < count; index += gridDim.x) {
    const Tile tile =
        tile_at(product.table, index, product.column_tiles, kPlainTileRows, product.row_group);
    const int first_column = tile.column_tile * kPlainTileColumns;
    const int columns = product.columns - first_column;
    const std::int64_t weight_row = std::int64_t{tile.expert} * product.weight_rows + first_column;
    float acc[kMicro][kMicro] = {};
    float acc_up[kMicro][kMicro] = {};
    for (int k0 = 0; k0 < product.inner; k0 += kDepth) {
      load_panel(x, tile.first_row, tile.rows, product.inner, k0, a);
      load_panel(weights, weight_row, columns, product.inner, k0, b);
      if (paired) load_panel(weights, weight_row + product.columns, columns, product.inner, k0, up);
      __syncthreads();
      multiply(a, b, row, column, acc);
      if (paired) multiply(a, up, row, column, acc_up);
      __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < kMicro; ++i) {
#pragma unroll
      for (int j = 0; j < kMicro; ++j) {
        const int r = row + i * kSide;
        const int c = column + j * kSide;
        if (r >= tile.rows || c >= columns) continue;
        const float value =
            paired ? swiglu(acc[i][j], acc_up[i][j]) : activated(product.epilogue, acc[i][j]);
        store(value, out + (std::int64_t{tile.first_row} + r) * product.columns + first_column + c);
      }
    }
  }
}

}  // namespace

cudaError_t launch_grouped_plain(const GroupedProduct& product, DataType dtype, int blocks,
                                 cudaStream_t stream) {
  if (dtype == DataType::kFp32) {
    grouped_plain_kernel<float><<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(product);
  } else {
    grouped_plain_kernel<__nv_bfloat16>
        <<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(product);
  }
  return cudaGetLastError();
}

}  // namespace hotexpert
