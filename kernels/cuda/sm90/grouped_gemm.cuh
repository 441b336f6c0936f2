#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/cuda/plan/grouped_sm90_plan.hpp"
#include "kernels/cuda/plan/layer_elements.hpp"
#include "kernels/cuda/sm90/grouped_gemm.hpp"
#include "kernels/cuda/sm90/instructions.cuh"

// out[r] = epilogue(x[r] · weights of r's expert), bf16, for all rows of all experts in one
// persistent launch. One warpgroup copies, the others multiply; they meet at two rings of barriers:
//   full[stage], empty[stage]           a K step of a tile: x [rows, 64], weights [256, 64]
//   tile_full[slot], tile_empty[slot]   which tile comes next; only the producer walks the schedule
// so the order of tiles (static or from a counter) is the producer's business alone.
// Blocks may work in clusters of two: both have the same expert and columns and rows below each
// other, each fetches one of the two weight boxes, and the copy engine writes it to both. A stage
// is then free when the consumers of both blocks released it.

namespace hotexpert::sm90 {

/// What a step of a ring knows: its index and the parity of its phase.
template <int kLength>
struct RingPosition {
  int index = 0;
  std::uint32_t parity = 0;
  __device__ __forceinline__ void next() {
    if (++index == kLength) {
      index = 0;
      parity ^= 1U;
    }
  }
};

/// The block's shared memory.
template <int kConsumers>
struct Shared {
  using Plan = SharedPlan<kConsumers>;
  std::uint32_t base;
  char* memory;

  __device__ __forceinline__ explicit Shared(char* raw) {
    const std::uint32_t address = shared_address(raw);
    base = (address + kSwizzleBytes - 1) & ~static_cast<std::uint32_t>(kSwizzleBytes - 1);
    memory = raw + (base - address);
  }
  __device__ __forceinline__ std::uint32_t a(int stage) const {
    return base + static_cast<std::uint32_t>(stage * Plan::kStageBytes);
  }
  __device__ __forceinline__ std::uint32_t b(int stage) const { return a(stage) + Plan::kABytes; }
  __device__ __forceinline__ std::uint32_t barrier(int number) const {
    return base + static_cast<std::uint32_t>(Plan::kBarriersAt + number * Plan::kBarrierBytes);
  }
  __device__ __forceinline__ std::uint32_t full(int stage) const { return barrier(stage); }
  __device__ __forceinline__ std::uint32_t empty(int stage) const {
    return barrier(Plan::kStages + stage);
  }
  __device__ __forceinline__ std::uint32_t tile_full(int slot) const {
    return barrier(2 * Plan::kStages + slot);
  }
  __device__ __forceinline__ std::uint32_t tile_empty(int slot) const {
    return barrier(2 * Plan::kStages + kTileSlots + slot);
  }
  /// The two boxes of a consumer; they begin at the first multiple of 1,024 behind the tile slots.
  __device__ __forceinline__ std::uint32_t boxes(int warpgroup) const {
    constexpr int kAt = (Plan::kUsedBytes + kSwizzleBytes - 1) / kSwizzleBytes * kSwizzleBytes;
    return base + static_cast<std::uint32_t>(kAt + warpgroup * 2 * Plan::kBoxBytes);
  }
  __device__ __forceinline__ Tile& tile(int slot) const {
    return *reinterpret_cast<Tile*>(memory + Plan::kSlotsAt + slot * Plan::kTileBytes);
  }
};
static_assert(sizeof(Tile) <= SharedPlan<2>::kTileBytes);

/// Blocks of a cluster.
__host__ __device__ constexpr int cluster_of(Variant variant) {
  return variant == Variant::kCluster ? 2 : 1;
}

/// Walks the schedule, tells the consumers each tile and keeps their stages filled. One thread.
template <int kConsumers, bool kPaired, int kCluster>
__device__ __forceinline__ void produce(const Shared<kConsumers>& shared, const GroupedGemm& gemm,
                                        const CUtensorMap& x, const CUtensorMap& weights) {
  using Plan = SharedPlan<kConsumers>;
  RingPosition<Plan::kStages> stage;
  RingPosition<kTileSlots> slot;
  const std::int64_t count = tile_count(gemm.table, gemm.column_tiles);
  const int rank = static_cast<int>(blockIdx.x) % kCluster;
  std::int64_t index = blockIdx.x / kCluster;
  while (true) {
    if (gemm.counter != nullptr) index = static_cast<std::int64_t>(atomicAdd(gemm.counter, 1ULL));
    Tile tile;
    if (index < count) {
      tile =
          tile_at(gemm.table, index, gemm.column_tiles, kCluster * Plan::kTileRows, gemm.row_group);
      if constexpr (kCluster == 2) tile = half_of_tile(tile, rank, Plan::kTileRows);
    }
    barrier_wait(shared.tile_empty(slot.index), slot.parity ^ 1U);
    shared.tile(slot.index) = tile;
    barrier_arrive(shared.tile_full(slot.index));
    slot.next();
    if (tile.expert < 0) return;

    const int first_row = tile.expert * gemm.weight_rows;
    const int gate = first_row + tile.column_tile * (kPaired ? kBoxRows : kTileColumns);
    const int up = gate + (kPaired ? gemm.columns : kBoxRows);
    for (int k = 0; k < gemm.inner; k += kTileDepth) {
      barrier_wait(shared.empty(stage.index), stage.parity ^ 1U);
      const std::uint32_t full = shared.full(stage.index);
      barrier_expect(full, Plan::kStageBytes);
      copy_box(shared.a(stage.index), &x, k, tile.first_row, full);
      if constexpr (kCluster == 2) {
        constexpr std::uint16_t kBoth = 3;
        copy_box_to_all(shared.b(stage.index) + rank * kBoxRows * kTileRowBytes, &weights, k,
                        rank == 0 ? gate : up, full, kBoth);
      } else {
        copy_box(shared.b(stage.index), &weights, k, gate, full);
        copy_box(shared.b(stage.index) + kBoxRows * kTileRowBytes, &weights, k, up, full);
      }
      stage.next();
    }
    index += gridDim.x / kCluster;
  }
}

/// Tells the producers of the cluster that this warp is done with a stage. One lane a block.
template <int kCluster>
__device__ __forceinline__ void release(std::uint32_t empty) {
  const std::uint32_t lane = threadIdx.x % 32;
  if constexpr (kCluster == 1) {
    if (lane == 0) barrier_arrive(empty);
  } else {
    if (lane < std::uint32_t{kCluster}) barrier_arrive_at(empty, lane);
  }
}

/// Multiplies the K steps of one tile into acc. Products of step i run while step i - 1 is freed.
template <int kConsumers, int kCluster>
__device__ __forceinline__ void multiply_tile(const Shared<kConsumers>& shared, int inner,
                                              int warpgroup,
                                              RingPosition<SharedPlan<kConsumers>::kStages>& stage,
                                              float (&acc)[128]) {
  int previous = -1;
  for (int k = 0; k < inner; k += kTileDepth) {
    barrier_wait(shared.full(stage.index), stage.parity);
    const std::uint64_t a =
        wgmma_descriptor(shared.a(stage.index) + warpgroup * kWarpgroupRows * kTileRowBytes);
    const std::uint64_t b = wgmma_descriptor(shared.b(stage.index));
    product_fence();
#pragma unroll
    for (int step = 0; step < kTileDepth / 16; ++step) {
      multiply_m64n256k16(acc, a + step * kDescriptorStep, b + step * kDescriptorStep,
                          k + step > 0 ? 1 : 0);
    }
    product_commit();
    if (previous >= 0) {
      product_wait<1>();
      release<kCluster>(shared.empty(previous));
    }
    previous = stage.index;
    stage.next();
  }
  product_wait<0>();
  pin(acc);
  release<kCluster>(shared.empty(previous));
}

__device__ __forceinline__ std::uint32_t packed_bf16(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const std::uint32_t*>(&pair);
}

/// What the epilogue makes of register `r` of the accumulator. SwiGLU: the tile's first 128 columns
/// are gates and the other 128 the ups beside them, 64 registers on in the same thread.
template <Epilogue kEpilogue>
__device__ __forceinline__ float finished(const float (&acc)[128], int r) {
  if constexpr (kEpilogue == Epilogue::kSwiglu) {
    return swiglu(acc[r], acc[r + 64]);
  } else {
    return activated(kEpilogue, acc[r]);
  }
}

/// Stores this thread's part of the tile: four lanes exchange their 4-byte pieces so that each has
/// 16 bytes of one row. Rows behind the expert's end and columns behind the matrix's are left out.
template <Epilogue kEpilogue>
__device__ __forceinline__ void store_tile(const GroupedGemm& gemm, const Tile& tile, int warpgroup,
                                           const float (&acc)[128]) {
  constexpr int kOutColumns = kEpilogue == Epilogue::kSwiglu ? kTileColumns / 2 : kTileColumns;
  const int thread = static_cast<int>(threadIdx.x) % kWarpgroupThreads;
  const int lane = thread % 4;
  const int first_column = tile.column_tile * kOutColumns;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = warpgroup * kWarpgroupRows + fragment_row(thread, half);
    auto* out = static_cast<__nv_bfloat16*>(gemm.out) +
                (std::int64_t{tile.first_row} + row) * gemm.columns + first_column;
#pragma unroll
    for (int block = 0; block < kOutColumns / 32; ++block) {
      std::uint32_t words[4];
#pragma unroll
      for (int q = 0; q < 4; ++q) {
        const int r = 4 * (4 * block + q) + 2 * half;
        words[q] = packed_bf16(finished<kEpilogue>(acc, r), finished<kEpilogue>(acc, r + 1));
      }
#pragma unroll
      for (int bit = 1; bit <= 2; bit *= 2) {
        const bool upper = (lane & bit) != 0;
#pragma unroll
        for (int pair = 0; pair < 2; ++pair) {
          const std::uint32_t gives = transpose_gives(words, bit, pair, upper);
          transpose_takes(words, bit, pair, upper, __shfl_xor_sync(0xFFFFFFFFU, gives, bit));
        }
      }
      const int column = 32 * block + 8 * lane;
      if (row < tile.rows && first_column + column < gemm.columns)
        *reinterpret_cast<uint4*>(out + column) =
            make_uint4(words[0], words[1], words[2], words[3]);
    }
  }
}

/// store_tile() through shared memory and the copy engine, 64 columns at a time into one of two
/// boxes. For warpgroups whose 64 rows all belong to the expert: the engine knows where the matrix
/// ends, but not where an expert does.
/// @param boxes this warpgroup's two, at a multiple of 1,024
template <Epilogue kEpilogue>
__device__ __forceinline__ void store_boxes(const CUtensorMap& out, const Tile& tile, int columns,
                                            int warpgroup, std::uint32_t boxes,
                                            const float (&acc)[128]) {
  constexpr int kOutColumns = kEpilogue == Epilogue::kSwiglu ? kTileColumns / 2 : kTileColumns;
  const int thread = static_cast<int>(threadIdx.x) % kWarpgroupThreads;
  const int first_column = tile.column_tile * kOutColumns;
#pragma unroll
  for (int chunk = 0; chunk < kOutColumns / kTileDepth; ++chunk) {
    const int column = first_column + chunk * kTileDepth;
    if (column >= columns) break;
    const std::uint32_t box =
        boxes + static_cast<std::uint32_t>(chunk % 2) * SharedPlan<1>::kBoxBytes;
    if (thread == 0) store_wait_read<1>();  // of two groups, the one that used this box
    warpgroup_sync(1 + warpgroup);
#pragma unroll
    for (int pair = 0; pair < 4; ++pair) {
      std::uint32_t words[4];
#pragma unroll
      for (int m = 0; m < 4; ++m) {
        const int r = 4 * (8 * chunk + 2 * pair + m / 2) + 2 * (m % 2);
        words[m] = packed_bf16(finished<kEpilogue>(acc, r), finished<kEpilogue>(acc, r + 1));
      }
      store_matrices(box + stored_row_offset(thread / 32, thread % 32, pair), words);
    }
    copy_engine_fence();
    warpgroup_sync(1 + warpgroup);
    if (thread == 0) {
      store_box(&out, column, tile.first_row + warpgroup * kWarpgroupRows, box);
      store_commit();
    }
  }
}

template <int kConsumers, Epilogue kEpilogue, Variant kVariant>
__device__ __forceinline__ void consume(const Shared<kConsumers>& shared, const GroupedGemm& gemm,
                                        const CUtensorMap& out, int warpgroup) {
  constexpr bool kTraced = kVariant == Variant::kTraced;
  RingPosition<SharedPlan<kConsumers>::kStages> stage;
  RingPosition<kTileSlots> slot;
  float acc[128];
  while (true) {
    barrier_wait(shared.tile_full(slot.index), slot.parity);
    const Tile tile = shared.tile(slot.index);
    barrier_arrive(shared.tile_empty(slot.index));
    slot.next();
    if (tile.expert < 0) {
      if (kVariant == Variant::kBulk && threadIdx.x % kWarpgroupThreads == 0) store_wait_read<0>();
      return;
    }
    // All but the end is written at once: registers are dear while products run.
    const bool records = kTraced && threadIdx.x == kWarpgroupThreads;
    if (records)
      gemm.records[tile.index] = {cycles(),        0, tile.expert, multiprocessor(), tile.row_tile,
                                  tile.column_tile};
    multiply_tile<kConsumers, cluster_of(kVariant)>(shared, gemm.inner, warpgroup, stage, acc);
    if (kVariant == Variant::kBulk && tile.rows >= (warpgroup + 1) * kWarpgroupRows) {
      store_boxes<kEpilogue>(out, tile, gemm.columns, warpgroup, shared.boxes(warpgroup), acc);
    } else {
      store_tile<kEpilogue>(gemm, tile, warpgroup, acc);
    }
    if (records) gemm.records[tile.index].end_ns = cycles();
  }
}

/// @param x boxes [tile rows, 64] of the rows   @param weights boxes [128, 64] of all experts'
/// @param out boxes [64, 64] of the output; read with Variant::kBulk only
template <int kConsumers, Epilogue kEpilogue, Variant kVariant>
__global__ void __launch_bounds__(SharedPlan<kConsumers>::kThreads, 1)
    grouped_gemm_kernel(const __grid_constant__ CUtensorMap x,
                        const __grid_constant__ CUtensorMap weights,
                        const __grid_constant__ CUtensorMap out,
                        const __grid_constant__ GroupedGemm gemm) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  using Plan = SharedPlan<kConsumers>;
  constexpr int kCluster = cluster_of(kVariant);
  extern __shared__ char raw[];
  const Shared<kConsumers> shared(raw);
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < Plan::kStages; ++stage) {
      barrier_init(shared.full(stage), 1);
      // one arrival a consumer warp of the cluster
      barrier_init(shared.empty(stage), kCluster * kConsumers * 4);
    }
    for (int slot = 0; slot < kTileSlots; ++slot) {
      barrier_init(shared.tile_full(slot), 1);
      barrier_init(shared.tile_empty(slot), kConsumers * kWarpgroupThreads);
    }
    barrier_init_fence();
    prefetch_map(&x);
    prefetch_map(&weights);
  }
  __syncthreads();
  if constexpr (kCluster > 1) cluster_sync();  // before the other block's barriers are touched
  if (threadIdx.x < kWarpgroupThreads) {
    if constexpr (kConsumers == 2) give_registers<kProducerRegisters>();
    if (threadIdx.x == 0)
      produce<kConsumers, kEpilogue == Epilogue::kSwiglu, kCluster>(shared, gemm, x, weights);
  } else {
    if constexpr (kConsumers == 2) take_registers<kConsumerRegisters>();
    consume<kConsumers, kEpilogue, kVariant>(shared, gemm, out,
                                             static_cast<int>(threadIdx.x) / kWarpgroupThreads - 1);
  }
  // The other block may still write to this one's shared memory.
  if constexpr (kCluster > 1) cluster_sync();
#endif
}

/// Launches one instance. @return what cudaFuncSetAttribute or the launch said
template <int kConsumers, Epilogue kEpilogue, Variant kVariant>
cudaError_t launch_instance(const GroupedGemm& gemm, int blocks, cudaStream_t stream) {
  constexpr auto kernel = grouped_gemm_kernel<kConsumers, kEpilogue, kVariant>;
  constexpr int kCluster = cluster_of(kVariant);
  constexpr int bytes = kVariant == Variant::kBulk ? SharedPlan<kConsumers>::kBulkLaunchBytes
                                                   : SharedPlan<kConsumers>::kLaunchBytes;
  const cudaError_t status =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (status != cudaSuccess) return status;
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = kCluster;
  cluster.val.clusterDim.y = 1;
  cluster.val.clusterDim.z = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks / kCluster * kCluster));
  config.blockDim = dim3(SharedPlan<kConsumers>::kThreads);
  config.dynamicSmemBytes = bytes;
  config.stream = stream;
  config.attrs = &cluster;
  config.numAttrs = kCluster > 1 ? 1 : 0;
  const CUtensorMap& out = gemm.out_map == nullptr ? *gemm.x_map : *gemm.out_map;
  return cudaLaunchKernelEx(&config, kernel, *gemm.x_map, *gemm.weight_map, out, gemm);
}

template <int kConsumers, Variant kVariant>
cudaError_t launch_epilogue(const GroupedGemm& gemm, int blocks, cudaStream_t stream) {
  switch (gemm.epilogue) {
    case Epilogue::kSwiglu:
      return launch_instance<kConsumers, Epilogue::kSwiglu, kVariant>(gemm, blocks, stream);
    case Epilogue::kGelu:
      return launch_instance<kConsumers, Epilogue::kGelu, kVariant>(gemm, blocks, stream);
    case Epilogue::kRelu:
      return launch_instance<kConsumers, Epilogue::kRelu, kVariant>(gemm, blocks, stream);
    case Epilogue::kNone:
      break;
  }
  return launch_instance<kConsumers, Epilogue::kNone, kVariant>(gemm, blocks, stream);
}

/// @param tile_rows 64 or 128
template <Variant kVariant>
cudaError_t launch_tile_rows(const GroupedGemm& gemm, int tile_rows, int blocks,
                             cudaStream_t stream) {
  return tile_rows == SharedPlan<1>::kTileRows ? launch_epilogue<1, kVariant>(gemm, blocks, stream)
                                               : launch_epilogue<2, kVariant>(gemm, blocks, stream);
}

}  // namespace hotexpert::sm90
