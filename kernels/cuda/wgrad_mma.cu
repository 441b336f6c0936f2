#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/cuda/mma_instructions.cuh"
#include "kernels/cuda/plan/wgrad_mma_plan.hpp"
#include "kernels/cuda/wgrad_product.hpp"

// The pipeline of grouped_mma.cu turned around: the inner dimension is an expert's rows, so a stage
// holds 64 rows of both operands as they lie in memory, and ldmatrix.trans makes the fragments.
// Rows behind a part's end are zeros.

namespace hotexpert {
namespace {

using namespace wgrad;

using mma::copy_commit;
using mma::copy_piece;
using mma::copy_wait;
using mma::load_transposed;
using mma::multiply;

/// Starts the copies of rows [row0, row0 + 64) of the part, 128 columns of one operand.
__device__ __forceinline__ void load_panel(const void* matrix, int columns, int first_column,
                                           const WgradPart& part, int row0, std::uint32_t panel) {
  const auto* elements = static_cast<const __nv_bfloat16*>(matrix);
#pragma unroll
  for (int i = 0; i < kDepth * (kTile / 8) / kThreads; ++i) {
    const int piece = static_cast<int>(threadIdx.x) + i * kThreads;
    const int row = piece / (kTile / 8);
    const int chunk = piece % (kTile / 8);
    const int column = first_column + 8 * chunk;
    const bool inside = row0 + row < part.rows && column < columns;
    const std::int64_t from_row = std::int64_t{part.first_row} + (inside ? row0 + row : 0);
    copy_piece(
        panel + panel_offset(static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(chunk)),
        elements + from_row * columns + (inside ? column : 0), inside);
  }
}

__device__ __forceinline__ void load_stage(const WgradProduct& product, const WgradPart& part,
                                           int row0, std::uint32_t stage) {
  load_panel(product.left, product.left_columns, part.left_tile * kTile, part, row0, stage);
  load_panel(product.right, product.right_columns, part.right_tile * kTile, part, row0,
             stage + kPanelBytes);
}

/// acc += the 64 rows of one stage, for this warp's [64, 32].
__device__ __forceinline__ void multiply_stage(std::uint32_t stage, std::uint32_t warp_left,
                                               std::uint32_t warp_right, float (&acc)[4][4][4]) {
  const std::uint32_t lane = threadIdx.x % 32;
#pragma unroll
  for (std::uint32_t depth = 0; depth < kDepth; depth += 16) {
    std::uint32_t a[4][4];
#pragma unroll
    for (std::uint32_t m = 0; m < 4; ++m) {
      const auto at = left_address(lane, depth, warp_left + 16 * m);
      load_transposed(a[m], stage + panel_offset(at.row, at.chunk));
    }
    std::uint32_t b[2][4];
#pragma unroll
    for (std::uint32_t n = 0; n < 2; ++n) {
      const auto at = right_address(lane, depth, warp_right + 16 * n);
      load_transposed(b[n], stage + kPanelBytes + panel_offset(at.row, at.chunk));
    }
#pragma unroll
    for (int m = 0; m < 4; ++m)
#pragma unroll
      for (int n = 0; n < 4; ++n)
        multiply(acc[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
  }
}

__device__ __forceinline__ void store_warp(const WgradProduct& product, const WgradPart& part,
                                           int warp_left, int warp_right,
                                           const float (&acc)[4][4][4]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t elements = std::int64_t{product.left_columns} * product.right_columns;
  float* out = part.slot < 0 ? product.gradient + part.expert * elements
                             : product.slots + part.slot * elements;
#pragma unroll
  for (int m = 0; m < 4; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int left = part.left_tile * kTile + warp_left + 16 * m + lane / 4 + 8 * half;
      if (left >= product.left_columns) continue;
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        const int right = part.right_tile * kTile + warp_right + 8 * n + 2 * (lane % 4);
        if (right >= product.right_columns) continue;
        *reinterpret_cast<float2*>(out + std::int64_t{left} * product.right_columns + right) =
            make_float2(acc[m][n][2 * half], acc[m][n][2 * half + 1]);
      }
    }
  }
}

__global__ void __launch_bounds__(kThreads) wgrad_mma_kernel(WgradProduct product) {
  extern __shared__ __align__(1024) char memory[];
  const auto base = static_cast<std::uint32_t>(__cvta_generic_to_shared(memory));
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warp_left = warp / 4 * 64;
  const int warp_right = warp % 4 * 32;
  const int left_tiles = (product.left_columns + kTile - 1) / kTile;
  const int right_tiles = (product.right_columns + kTile - 1) / kTile;
  const std::int64_t count = wgrad_tile_count(product.table, left_tiles, right_tiles);
  for (std::int64_t index = blockIdx.x; index < count; index += gridDim.x) {
    const WgradPart part = wgrad_tile_at(product.table, index, left_tiles, right_tiles);
    const int steps = (part.rows + kDepth - 1) / kDepth;
    float acc[4][4][4] = {};
    // A group is committed every step, empty behind the end, so the waits count alike.
    for (int ahead = 0; ahead < kStages - 1; ++ahead) {
      if (ahead < steps)
        load_stage(product, part, ahead * kDepth,
                   base + static_cast<std::uint32_t>(ahead * kStageBytes));
      copy_commit();
    }
    for (int step = 0; step < steps; ++step) {
      copy_wait<kStages - 2>();
      __syncthreads();  // this step's stage is there, and the stage of the last step is free
      const int ahead = step + kStages - 1;
      if (ahead < steps)
        load_stage(product, part, ahead * kDepth,
                   base + static_cast<std::uint32_t>(ahead % kStages * kStageBytes));
      copy_commit();
      multiply_stage(base + static_cast<std::uint32_t>(step % kStages * kStageBytes),
                     static_cast<std::uint32_t>(warp_left), static_cast<std::uint32_t>(warp_right),
                     acc);
    }
    copy_wait<0>();
    store_warp(product, part, warp_left, warp_right, acc);
    __syncthreads();  // before the next tile's copies
  }
}

}  // namespace

cudaError_t launch_wgrad_mma(const WgradProduct& product, int blocks, cudaStream_t stream) {
  const cudaError_t status = cudaFuncSetAttribute(
      wgrad_mma_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
  if (status != cudaSuccess) return status;
  wgrad_mma_kernel<<<static_cast<unsigned>(blocks), kThreads, kSharedBytes, stream>>>(product);
  return cudaGetLastError();
}

}  // namespace hotexpert
