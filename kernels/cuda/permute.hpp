#pragma once

#include <cstdint>

#include "kernels/cuda/stream.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

// Rows to their experts and back. Device pointers; rows are row-major and a multiple of 16 bytes.
// Bound by memory bandwidth.

/// Row row_of_slot[t, s] of `out` = row t of `in`, for every slot with a row.
void launch_permute(const void* in, const std::int32_t* row_of_slot, std::int64_t tokens, int slots,
                    std::int64_t row_bytes, void* out, DeviceStream stream);

/// Zeros the rows [first_row[e] + kept[e], first_row[e] + computed[e]) of experts e < num_experts.
void launch_zero_padding(const std::int32_t* first_row, const std::int32_t* kept,
                         const std::int32_t* computed, int num_experts, std::int64_t row_bytes,
                         void* out, DeviceStream stream);

/// out[t] = sum over slots, in slot order, of weight[t, s] * in[row_of_slot[t, s]], in fp32: the
/// same bits in every run.   @param in rows of d_model values of `dtype`   @param out [tokens,
/// d_model]
void launch_combine(const void* in, DataType dtype, const std::int32_t* row_of_slot,
                    const float* weight_of_slot, std::int64_t tokens, int slots,
                    std::int64_t d_model, float* out, DeviceStream stream);

}  // namespace hotexpert
