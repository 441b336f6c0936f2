#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

// Loops over one row that the compiler turns into vector code, built for AVX-512, AVX2 and plain
// x86-64; the processor picks when the program starts. All variants round alike: multiply and add
// are never fused.

/// out[i] = weight * row[i]
void assign_scaled(const float* row, float weight, float* out, std::int64_t count);
void assign_scaled(const Bf16* row, float weight, float* out, std::int64_t count);
/// out[i] += weight * row[i]
void add_scaled(const float* row, float weight, float* out, std::int64_t count);
void add_scaled(const Bf16* row, float weight, float* out, std::int64_t count);

/// out[i] = values[i], rounded to bf16.
void round_to_bf16(const float* values, Bf16* out, std::int64_t count);
/// out[i] = values[i], widened.
void widen(const Bf16* values, float* out, std::int64_t count);
/// sum[i] += values[i]
void add(const float* values, float* sum, std::int64_t count);
/// sum over i of a[i] * b[i], in 16 interleaved fp32 sums added up in pairs: the same bits
/// everywhere.
float dot(const float* a, const float* b, std::int64_t count);
float dot(const Bf16* a, const Bf16* b, std::int64_t count);

/// values[i] = silu(gate[i]) * values[i], in place. Relative error below 3e-7.
void apply_swiglu(const float* gate, float* values, std::int64_t count);
/// values[i] = values[i] * Φ(values[i]), in place: the exact GELU. Error below 3e-7 * max(1, |x|).
void apply_gelu(float* values, std::int64_t count);
/// values[i] = max(values[i], 0), in place; NaN stays NaN.
void apply_relu(float* values, std::int64_t count);

// Backward: pre-activations become the gradients by them, in place, given those by the activated
// values.
/// gate[i] = d[i] * up[i] * silu'(gate[i]), up[i] = d[i] * silu(gate[i])
void swiglu_gradient(const float* d, float* gate, float* up, std::int64_t count);
/// values[i] = d[i] * (Φ(values[i]) + values[i] φ(values[i])), φ the normal density
void gelu_gradient(const float* d, float* values, std::int64_t count);
/// values[i] = values[i] > 0 ? d[i] : 0; NaN stays NaN.
void relu_gradient(const float* d, float* values, std::int64_t count);

}  // namespace hotexpert
