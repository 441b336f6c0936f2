#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cuda/plan/cuda_kernels.hpp"

namespace hotexpert {

/// A variant of grouped-sm90 that the sizes of a layer speak for.
struct UntimedVariant {
  std::string parameters;  ///< as they follow the kernel's name: "cluster=2"
  std::string reason;      ///< with the numbers behind it
};

/// What choose_cuda_kernel() leaves out until a device has timed it, because it would stake every
/// default run, and its tile records, on arithmetic alone; `hotexpert list kernels --explain` shows
/// it, and tests/gpu/run times it. Rules, with BM tile rows, BN = 256, m the mean rows of an
/// expert:
/// - `cluster=2`: two blocks below each other fetch half of the weights each, so a step of 64 inner
///   values brings (BM + BN / 2) * 128 bytes to a block instead of (BM + BN) * 128. Experts are cut
///   into pairs of tiles, on average half a tile more each. Named when that half tile, BM / (2 m)
///   of the tiles, is less than half the share of bytes saved: only time that waits for them is
///   saved.
/// - `store=bulk`: results leave behind the next tile's products. Named when they are at least 5 %
///   of the bytes that a tile of the down product moves, BM * BN * 2 beside (BM + BN) * 2 * d_ff,
///   and three of four warpgroups' 64 rows are an expert's own, (m / 64 - 1/2) of (m / 64 + 1/2).
/// @return empty for another engine or strategy, and for a choice that has one of the two already
std::vector<UntimedVariant> untimed_variants(const LayerShape& shape,
                                             const CudaKernelChoice& choice, std::int64_t tokens);

}  // namespace hotexpert
