#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/cuda/grouped_product.hpp"
#include "kernels/cuda/mma_instructions.cuh"
#include "kernels/cuda/plan/grouped_mma_plan.hpp"
#include "kernels/cuda/plan/swizzle.hpp"

// The classic pipeline of Ampere: cp.async into three stages with the 128-byte swizzle, ldmatrix,
// mma.sync. Blocks are persistent and take every gridDim-th tile of the schedule.

namespace hotexpert {
namespace {

using namespace mma;

/// Starts the copies of one stage: x rows of the tile and the tile's weights.
__device__ __forceinline__ void load_stage(const GroupedProduct& product, const Tile& tile,
                                           bool paired, int k0, std::uint32_t stage) {
  const auto* x = static_cast<const __nv_bfloat16*>(product.x);
  const auto* weights = static_cast<const __nv_bfloat16*>(product.weights);
  const int first_column = tile.column_tile * (paired ? kMmaTileColumns / 2 : kMmaTileColumns);
  const std::int64_t first_weight = std::int64_t{tile.expert} * product.weight_rows + first_column;
#pragma unroll
  for (int i = 0; i < kPanelRows * 8 / kThreads; ++i) {
    const int piece = static_cast<int>(threadIdx.x) + i * kThreads;
    const int row = piece / 8;
    const int chunk = piece % 8;
    const int k = k0 + 8 * chunk;
    const std::uint32_t to =
        stage + swizzled_offset(static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(chunk));
    const bool x_inside = row < tile.rows && k < product.inner;
    const std::int64_t x_row = std::int64_t{tile.first_row} + (x_inside ? row : 0);
    copy_piece(to, x + x_row * product.inner + (x_inside ? k : 0), x_inside);
    const bool w_inside =
        first_column + output_column(row, paired) < product.columns && k < product.inner;
    const std::int64_t w_row =
        w_inside ? first_weight + weight_row(row, paired, product.columns) : first_weight;
    copy_piece(to + kPanelBytes, weights + w_row * product.inner + (w_inside ? k : 0), w_inside);
  }
}

/// acc += the 64 inner values of one stage, for this warp's [64, 32].
__device__ __forceinline__ void multiply_stage(std::uint32_t stage, int warp_row, int warp_column,
                                               float (&acc)[4][4][4]) {
  const std::uint32_t lane = threadIdx.x % 32;
#pragma unroll
  for (std::uint32_t step = 0; step < kTileDepth / 16; ++step) {
    // Matrices of x: rows 0-7 and 8-15 at depth 0-7, then both at depth 8-15.
    std::uint32_t a[4][4];
#pragma unroll
    for (int m = 0; m < 4; ++m) {
      const std::uint32_t row = static_cast<std::uint32_t>(warp_row + 16 * m) + lane % 16;
      load_matrices(a[m], stage + swizzled_offset(row, 2 * step + lane / 16));
    }
    // Matrices of the weights: 8 columns at depth 0-7 and 8-15, then the next 8 columns.
    std::uint32_t b[2][4];
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const std::uint32_t row =
          static_cast<std::uint32_t>(warp_column + 16 * n) + lane % 8 + lane / 16 * 8;
      load_matrices(b[n], stage + kPanelBytes + swizzled_offset(row, 2 * step + lane / 8 % 2));
    }
#pragma unroll
    for (int m = 0; m < 4; ++m)
#pragma unroll
      for (int n = 0; n < 4; ++n)
        multiply(acc[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
  }
}

template <Epilogue kEpilogue>
__device__ __forceinline__ void store_warp(const GroupedProduct& product, const Tile& tile,
                                           int warp_row, int warp_column,
                                           const float (&acc)[4][4][4]) {
  constexpr bool kPaired = kEpilogue == Epilogue::kSwiglu;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int first = tile.column_tile * (kPaired ? kMmaTileColumns / 2 : kMmaTileColumns) +
                    (kPaired ? warp_column / 2 : warp_column) + 2 * (lane % 4);
#pragma unroll
  for (int m = 0; m < 4; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = warp_row + 16 * m + lane / 4 + 8 * half;
      if (row >= tile.rows) continue;
      auto* out = static_cast<__nv_bfloat16*>(product.out) +
                  (std::int64_t{tile.first_row} + row) * product.columns;
#pragma unroll
      for (int n = 0; n < (kPaired ? 2 : 4); ++n) {
        const int column = first + 8 * n;
        if (column >= product.columns) continue;
        float values[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const float z = acc[m][n][2 * half + i];
          if constexpr (kPaired) {
            values[i] = swiglu(z, acc[m][n + 2][2 * half + i]);
          } else {
            values[i] = activated(kEpilogue, z);
          }
        }
        *reinterpret_cast<__nv_bfloat162*>(out + column) =
            __floats2bfloat162_rn(values[0], values[1]);
      }
    }
  }
}

template <Epilogue kEpilogue>
__global__ void __launch_bounds__(kThreads) grouped_mma_kernel(GroupedProduct product) {
  extern __shared__ __align__(1024) char memory[];
  constexpr bool kPaired = kEpilogue == Epilogue::kSwiglu;
  const auto base = static_cast<std::uint32_t>(__cvta_generic_to_shared(memory));
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warp_row = warp / 4 * 64;
  const int warp_column = warp % 4 * kWarpColumns;
  const int steps = (product.inner + kTileDepth - 1) / kTileDepth;
  const std::int64_t count = tile_count(product.table, product.column_tiles);
  for (std::int64_t index = blockIdx.x; index < count; index += gridDim.x) {
    const Tile tile =
        tile_at(product.table, index, product.column_tiles, kMmaTileRows, product.row_group);
    float acc[4][4][4] = {};
    // A group is committed every step, empty behind the end, so the waits count alike.
    for (int ahead = 0; ahead < kStages - 1; ++ahead) {
      if (ahead < steps)
        load_stage(product, tile, kPaired, ahead * kTileDepth,
                   base + static_cast<std::uint32_t>(ahead * kStageBytes));
      copy_commit();
    }
    for (int step = 0; step < steps; ++step) {
      copy_wait<kStages - 2>();
      __syncthreads();  // this step's stage is there, and the stage of the last step is free
      const int ahead = step + kStages - 1;
      if (ahead < steps)
        load_stage(product, tile, kPaired, ahead * kTileDepth,
                   base + static_cast<std::uint32_t>(ahead % kStages * kStageBytes));
      copy_commit();
      multiply_stage(base + static_cast<std::uint32_t>(step % kStages * kStageBytes), warp_row,
                     warp_column, acc);
    }
    copy_wait<0>();
    store_warp<kEpilogue>(product, tile, warp_row, warp_column, acc);
    __syncthreads();  // before the next tile's copies
  }
}

template <Epilogue kEpilogue>
cudaError_t launch(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  constexpr auto kernel = grouped_mma_kernel<kEpilogue>;
  const cudaError_t status =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
  if (status != cudaSuccess) return status;
  kernel<<<static_cast<unsigned>(blocks), kThreads, kSharedBytes, stream>>>(product);
  return cudaGetLastError();
}

}  // namespace

cudaError_t launch_grouped_mma(const GroupedProduct& product, int blocks, cudaStream_t stream) {
  switch (product.epilogue) {
    case Epilogue::kSwiglu:
      return launch<Epilogue::kSwiglu>(product, blocks, stream);
    case Epilogue::kGelu:
      return launch<Epilogue::kGelu>(product, blocks, stream);
    case Epilogue::kRelu:
      return launch<Epilogue::kRelu>(product, blocks, stream);
    case Epilogue::kNone:
      break;
  }
  return launch<Epilogue::kNone>(product, blocks, stream);
}

}  // namespace hotexpert
