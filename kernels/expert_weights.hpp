#pragma once

#include <cstdint>

#include "kernels/aligned_buffer.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// The matrices of one expert, row-major, in the layer's data type.
///   SwiGLU:     y = (silu(x·gate) * (x·up))·down,   silu(z) = z / (1 + e^-z)
///   GELU, ReLU: y = act(x·up)·down,                 gelu(z) = z·Φ(z), the exact one (erf)
struct ExpertWeights {
  AlignedBuffer gate;  ///< [d_model, d_ff]; SwiGLU only
  AlignedBuffer up;    ///< [d_model, d_ff]
  AlignedBuffer down;  ///< [d_ff, d_model]
};

/// Draws the weights of one expert: normal, standard deviation 1 / sqrt(rows of the matrix), so
/// that values keep their size through the layer. They depend on (seed, expert, shape) alone, so
/// weights need not be kept: whoever wants to compare draws them again.
/// @param expert physical expert, or P + i for shared expert i   @param into reused buffers
void draw_expert_weights(const LayerShape& shape, std::uint64_t seed, int expert, int threads,
                         ExpertWeights& into);

/// Draws the token activations [tokens, d_model], standard normal, row-major in the layer's data
/// type. Row t depends on (seed, t) alone: equal tokens have equal values in every plan.
void draw_activations(const LayerShape& shape, std::uint64_t seed, std::int64_t tokens, int threads,
                      std::byte* into);

}  // namespace hotexpert
