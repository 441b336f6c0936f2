#pragma once

#include <cstdint>

#include "kernels/cuda/plan/swizzle.hpp"

namespace hotexpert::sm90 {

// Sizes of the grouped-sm90 kernel, shared by the kernel, its launcher and tests.

inline constexpr int kTileColumns = 256;  ///< columns of the weights a tile reads, BN
inline constexpr int kBoxRows = 128;      ///< rows of a weight box: two make a tile
inline constexpr int kWarpgroupRows = 64;
inline constexpr int kWarpgroupThreads = 128;
inline constexpr int kProducerRegisters = 40;
inline constexpr int kConsumerRegisters = 232;
inline constexpr int kTileSlots = 2;  ///< tiles the producer may be ahead by

/// Bytes of shared memory, and where things lie in it.
template <int kConsumers>
struct SharedPlan {
  static constexpr int kTileRows = kConsumers * kWarpgroupRows;
  static constexpr int kThreads = (kConsumers + 1) * kWarpgroupThreads;
  static constexpr int kStages = kConsumers == 2 ? 4 : 5;
  static constexpr int kABytes = kTileRows * kTileRowBytes;
  static constexpr int kBBytes = kTileColumns * kTileRowBytes;
  static constexpr int kStageBytes = kABytes + kBBytes;
  static constexpr int kBarrierBytes = 8;
  static constexpr int kBarriers = 2 * kStages + 2 * kTileSlots;
  static constexpr int kTileBytes = 32;  ///< of one slot
  /// Stages first, at a multiple of 1,024; then barriers; then tile slots.
  static constexpr int kBarriersAt = kStages * kStageBytes;
  static constexpr int kSlotsAt = kBarriersAt + (kBarriers * kBarrierBytes + 31) / 32 * 32;
  static constexpr int kUsedBytes = kSlotsAt + kTileSlots * kTileBytes;
  /// store=bulk: two boxes [64, 64] a consumer behind all that, at a multiple of 1,024.
  static constexpr int kBoxBytes = kWarpgroupRows * kTileRowBytes;
  static constexpr int kBulkBytes = kConsumers * 2 * kBoxBytes;
  static constexpr int kBulkLaunchBytes = kUsedBytes + kBulkBytes + 2 * kSwizzleBytes;
  /// What a launch asks for: the dynamic part may begin at any multiple of 16.
  static constexpr int kLaunchBytes = kUsedBytes + kSwizzleBytes;
};

inline constexpr int kSharedLimit = 227 * 1024;  ///< a block's most on Hopper
static_assert(SharedPlan<1>::kLaunchBytes <= kSharedLimit);
static_assert(SharedPlan<2>::kLaunchBytes <= kSharedLimit);
static_assert(SharedPlan<1>::kBulkLaunchBytes <= kSharedLimit);
static_assert(SharedPlan<2>::kBulkLaunchBytes <= kSharedLimit);
static_assert(kProducerRegisters * kWarpgroupThreads + 2 * kConsumerRegisters * kWarpgroupThreads <=
              65536);

}  // namespace hotexpert::sm90
