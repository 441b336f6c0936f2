#pragma once

#include <cstdint>

#include "kernels/cuda/plan/layer_elements.hpp"
#include "kernels/cuda/stream.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

// What the backward pass does row by row. Device pointers; rows are row-major and a multiple of 16
// bytes. Bound by memory bandwidth.

/// Gradients by the pre-activations, from those by the hidden rows.
/// @param stored [rows, 2 * d_ff] for SwiGLU (gate, then up), else [rows, d_ff]: what forward kept
/// @param d_hidden [rows, d_ff]   @param d_stored as `stored`
void launch_activation_backward(const void* stored, const void* d_hidden, DataType dtype,
                                Epilogue epilogue, std::int64_t rows, std::int64_t d_ff,
                                void* d_stored, DeviceStream stream);

/// Row row_of_slot[t, s] of `d_y` = weight[t, s] * row t of `d_out`, for every slot with a row.
void launch_scale_rows(const void* d_out, DataType dtype, const std::int32_t* row_of_slot,
                       const float* weight_of_slot, std::int64_t tokens, int slots,
                       std::int64_t d_model, void* d_y, DeviceStream stream);

/// d_weight[t, s] = y[row_of_slot[t, s]] · d_out[t], 0 without a row: a warp each, summed in a
/// fixed order.
void launch_gate_gradients(const void* y, const void* d_out, DataType dtype,
                           const std::int32_t* row_of_slot, std::int64_t tokens, int slots,
                           std::int64_t d_model, float* d_weight, DeviceStream stream);

}  // namespace hotexpert
