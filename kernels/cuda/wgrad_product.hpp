#pragma once

#include <driver_types.h>

#include <cstdint>

#include "kernels/cuda/plan/wgrad_schedule.hpp"
#include "kernels/cuda/stream.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// gradient[e] = sum over the rows r of expert e of left[r]^T · right[r], fp32. Device pointers.
struct WgradProduct {
  WgradTable table;
  const void* left = nullptr;   ///< [rows, left_columns]
  const void* right = nullptr;  ///< [rows, right_columns]
  float* gradient = nullptr;    ///< [experts, left_columns, right_columns]
  float* slots = nullptr;       ///< [slots, left_columns, right_columns]; see launch_wgrad_sums()
  int left_columns = 0;
  int right_columns = 0;
};

/// Fills order [E] and parts_before [E + 1] from the rows of each expert, on the device.
void launch_wgrad_layout(int num_experts, const std::int32_t* rows, std::int32_t split_rows,
                         std::int32_t* order, std::int32_t* parts_before, DeviceStream stream);

/// Every tile of every part with mma.sync, bf16, on `blocks` persistent blocks. Compute
/// capability 8.0 and up; columns multiples of 8.
cudaError_t launch_wgrad_mma(const WgradProduct& product, int blocks, cudaStream_t stream);

/// The same by plain multiply-adds, bf16 or fp32, any size: slow, obvious.
cudaError_t launch_wgrad_plain(const WgradProduct& product, DataType dtype, int blocks,
                               cudaStream_t stream);

/// Adds the slots of experts that were split to their gradients, in order. Nothing without slots.
void launch_wgrad_sums(const WgradProduct& product, DeviceStream stream);

}  // namespace hotexpert
