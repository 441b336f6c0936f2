#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/cuda/block_phases.cuh"
#include "kernels/cuda/wgrad_product.hpp"

namespace hotexpert {
namespace {

constexpr int kSide = 16;  // threads a side of the block; each computes kMicro x kMicro values
constexpr int kMicro = 4;
constexpr int kTile = kSide * kMicro;
constexpr int kDepth = 16;  // rows of the expert at a time
constexpr int kThreads = kSide * kSide;
constexpr int kLayoutThreads = 1024;
constexpr int kSumBlocks = 64;  // an expert

__device__ float to_float(float value) { return value; }
__device__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

using Panel = float[kDepth][kTile];

/// panel[k][i] = matrix[first row + k0 + k, first column + i], zero behind the part's end.
template <class Element>
__device__ void load_panel(const Element* matrix, int columns, int first_column,
                           const WgradPart& part, int k0, Panel& panel) {
  for (int i = static_cast<int>(threadIdx.x); i < kDepth * kTile; i += kThreads) {
    const int k = i / kTile;
    const int column = first_column + i % kTile;
    const bool inside = k0 + k < part.rows && column < columns;
    const std::int64_t row = std::int64_t{part.first_row} + k0 + k;
    panel[k][i % kTile] = inside ? to_float(matrix[row * columns + column]) : 0.0F;
  }
}

template <class Element>
__global__ void __launch_bounds__(kThreads) wgrad_plain_kernel(WgradProduct product) {
  __shared__ Panel left;
  __shared__ Panel right;
  const int row = static_cast<int>(threadIdx.x) / kSide;
  const int column = static_cast<int>(threadIdx.x) % kSide;
  const int left_tiles = (product.left_columns + kTile - 1) / kTile;
  const int right_tiles = (product.right_columns + kTile - 1) / kTile;
  const std::int64_t elements = std::int64_t{product.left_columns} * product.right_columns;
  const std::int64_t count = wgrad_tile_count(product.table, left_tiles, right_tiles);
  for (std::int64_t index = blockIdx.x; index < count; index += gridDim.x) {
    const WgradPart part = wgrad_tile_at(product.table, index, left_tiles, right_tiles);
    float acc[kMicro][kMicro] = {};
    for (int k0 = 0; k0 < part.rows; k0 += kDepth) {
      load_panel(static_cast<const Element*>(product.left), product.left_columns,
                 part.left_tile * kTile, part, k0, left);
      load_panel(static_cast<const Element*>(product.right), product.right_columns,
                 part.right_tile * kTile, part, k0, right);
      __syncthreads();
      for (int k = 0; k < kDepth; ++k) {
#pragma unroll
        for (int i = 0; i < kMicro; ++i)
#pragma unroll
          for (int j = 0; j < kMicro; ++j)
            acc[i][j] = fmaf(left[k][row + i * kSide], right[k][column + j * kSide], acc[i][j]);
      }
      __syncthreads();
    }
    float* out = part.slot < 0 ? product.gradient + part.expert * elements
                               : product.slots + part.slot * elements;
#pragma unroll
    for (int i = 0; i < kMicro; ++i) {
#pragma unroll
      for (int j = 0; j < kMicro; ++j) {
        const int l = part.left_tile * kTile + row + i * kSide;
        const int r = part.right_tile * kTile + column + j * kSide;
        if (l < product.left_columns && r < product.right_columns)
          out[std::int64_t{l} * product.right_columns + r] = acc[i][j];
      }
    }
  }
}

__global__ void __launch_bounds__(kLayoutThreads)
    wgrad_layout_kernel(int num_experts, const std::int32_t* rows, std::int32_t split_rows,
                        std::int32_t* order, std::int32_t* parts_before) {
  extern __shared__ std::int32_t scratch[];
  layout_wgrad(DeviceBlock{}, num_experts, rows, split_rows, order, parts_before, scratch);
}

/// blockIdx.x: a place; its blocks share out the elements.
__global__ void __launch_bounds__(kThreads) wgrad_sum_kernel(WgradProduct product) {
  const int place = static_cast<int>(blockIdx.x);
  const WgradTable& table = product.table;
  if (table.parts_before[place + 1] - table.parts_before[place] < 2) return;
  const std::int64_t elements = std::int64_t{product.left_columns} * product.right_columns;
  float* gradient = product.gradient + table.order[place] * elements;
  const std::int64_t stride = std::int64_t{gridDim.y} * kThreads;
  for (std::int64_t i = std::int64_t{blockIdx.y} * kThreads + threadIdx.x; i < elements;
       i += stride)
    gradient[i] = wgrad_sum(table, place, product.slots, elements, i, gradient[i]);
}

}  // namespace

void launch_wgrad_layout(int num_experts, const std::int32_t* rows, std::int32_t split_rows,
                         std::int32_t* order, std::int32_t* parts_before, DeviceStream stream) {
  const std::size_t bytes = static_cast<std::size_t>(num_experts) * sizeof(std::int32_t);
  wgrad_layout_kernel<<<1, kLayoutThreads, bytes, stream>>>(num_experts, rows, split_rows, order,
                                                            parts_before);
}

cudaError_t launch_wgrad_plain(const WgradProduct& product, DataType dtype, int blocks,
                               cudaStream_t stream) {
  if (dtype == DataType::kFp32) {
    wgrad_plain_kernel<float><<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(product);
  } else {
    wgrad_plain_kernel<__nv_bfloat16>
        <<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(product);
  }
  return cudaGetLastError();
}

void launch_wgrad_sums(const WgradProduct& product, DeviceStream stream) {
  if (product.slots == nullptr || product.table.num_experts == 0) return;
  const dim3 grid(static_cast<unsigned>(product.table.num_experts), kSumBlocks);
  wgrad_sum_kernel<<<grid, kThreads, 0, stream>>>(product);
}

}  // namespace hotexpert
