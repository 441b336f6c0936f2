#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/column_blocks.hpp"

namespace hotexpert {

/// values[i] = act(gate[i]) * values[i] for SwiGLU, act(values[i]) for the others.
/// @param gate read for SwiGLU only
void activate(Activation activation, const float* gate, float* values, std::int64_t count);

/// The gradient by what activate() was given, in place of it, from the gradient `d` by what it
/// made.
/// @param gate overwritten for SwiGLU only
void activate_backward(Activation activation, const float* d, float* gate, float* values,
                       std::int64_t count);

/// Copies `count` values of the layer's data type to fp32.
void load_tile(const std::byte* in, std::int64_t count, DataType dtype, float* values);

/// Copies `count` fp32 values to `out` in the layer's data type.
void store_tile(const float* values, std::int64_t count, DataType dtype, std::byte* out);

/// Copies a dense tile [rows, blocks.size(block)] into columns `block` of the row-major `out`
/// [rows, blocks.columns].
void store_columns(const float* values, std::int64_t rows, const ColumnBlocks& blocks,
                   std::int64_t block, DataType dtype, std::byte* out);

}  // namespace hotexpert
