#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"
#include "kernels/cuda/plan/layer_elements.hpp"

namespace hotexpert {

/// Gradients by the two pre-activations of SwiGLU, from that by h = silu(gate) * up.
struct SwigluGradient {
  float gate = 0.0F;
  float up = 0.0F;
};
HOTEXPERT_HOST_DEVICE SwigluGradient swiglu_gradient(float gate, float up, float d_hidden) {
  const float sigmoid = 1.0F / (1.0F + expf(-gate));
  return {d_hidden * up * sigmoid * (1.0F + gate * (1.0F - sigmoid)), d_hidden * gate * sigmoid};
}

/// Gradient by z of gelu or relu, from that by the activated value; NaN passes on.
HOTEXPERT_HOST_DEVICE float activated_gradient(Epilogue epilogue, float z, float d_hidden) {
  if (epilogue == Epilogue::kGelu) {
    const float phi = 0.5F * (1.0F + erff(z * 0.70710678118654752440F));
    const float density = 0.39894228040143267794F * expf(-0.5F * z * z);
    return d_hidden * (phi + z * density);
  }
  if (epilogue == Epilogue::kRelu) return z > 0.0F ? d_hidden : (z <= 0.0F ? 0.0F : z);
  return d_hidden;
}

/// The float nearest to bf16, ties to even, as its upper 16 bits. NaN stays NaN.
HOTEXPERT_HOST_DEVICE std::uint32_t bf16_bits(float value) {
  union {
    float number;
    std::uint32_t bits;
  } both;
  both.number = value;
  if (value != value) return both.bits >> 16 | 0x40U;
  return (both.bits + 0x7FFFU + (both.bits >> 16 & 1U)) >> 16;
}

/// A piece of rounded values: the opposite of Format::value().
HOTEXPERT_HOST_DEVICE Piece packed_piece(const float (&values)[8]) {
  Piece piece{};
  for (int w = 0; w < 4; ++w)
    piece.words[w] = bf16_bits(values[2 * w]) | bf16_bits(values[2 * w + 1]) << 16;
  return piece;
}
HOTEXPERT_HOST_DEVICE Piece packed_piece(const float (&values)[4]) {
  union {
    float number;
    std::uint32_t bits;
  } both;
  Piece piece{};
  for (int w = 0; w < 4; ++w) {
    both.number = values[w];
    piece.words[w] = both.bits;
  }
  return piece;
}

/// Piece `piece` of the gradients by y of a token's rows: gate weight times the gradient of the
/// layer's output.
/// @param d_out [tokens, pieces]   @param d_y [rows, pieces]
template <class Format>
HOTEXPERT_HOST_DEVICE void scale_piece(const Piece* d_out, const std::int32_t* row_of_slot,
                                       const float* weight_of_slot, int slots, std::int64_t pieces,
                                       std::int64_t token, std::int64_t piece, Piece* d_y) {
  const Piece value = d_out[token * pieces + piece];
  for (int slot = 0; slot < slots; ++slot) {
    const std::int64_t row = row_of_slot[token * slots + slot];
    if (row < 0) continue;
    const float weight = weight_of_slot[token * slots + slot];
    float scaled[Format::kValues];
    for (int i = 0; i < Format::kValues; ++i) scaled[i] = weight * Format::value(value, i);
    d_y[row * pieces + piece] = packed_piece(scaled);
  }
}

/// Pieces first, first + step, … of y · d_out, added up in this order: one thread's share of a gate
/// weight's gradient.
template <class Format>
HOTEXPERT_HOST_DEVICE float dot_pieces(const Piece* y, const Piece* d_out, std::int64_t pieces,
                                       std::int64_t first, std::int64_t step) {
  float sum = 0.0F;
  for (std::int64_t piece = first; piece < pieces; piece += step) {
    for (int i = 0; i < Format::kValues; ++i)
      sum += Format::value(y[piece], i) * Format::value(d_out[piece], i);
  }
  return sum;
}

}  // namespace hotexpert
