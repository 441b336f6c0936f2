#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"

namespace hotexpert {

/// What a product's epilogue applies.
enum class Epilogue : std::uint8_t { kNone, kSwiglu, kGelu, kRelu };

/// gelu(z) = z * Phi(z), the exact one; relu passes NaN on; kNone and kSwiglu give z itself.
HOTEXPERT_HOST_DEVICE float activated(Epilogue epilogue, float z) {
  switch (epilogue) {
    case Epilogue::kGelu:
      return 0.5F * z * (1.0F + erff(z * 0.70710678118654752440F));
    case Epilogue::kRelu:
      return z < 0.0F ? 0.0F : z;
    case Epilogue::kNone:
    case Epilogue::kSwiglu:
      break;
  }
  return z;
}

/// silu(gate) * up, silu(z) = z / (1 + e^-z).
HOTEXPERT_HOST_DEVICE float swiglu(float gate, float up) {
  return gate / (1.0F + expf(-gate)) * up;
}

/// 16 bytes, the unit in which rows move.
struct alignas(16) Piece {
  std::uint32_t words[4];
};

/// Copies piece `piece` of a token's row to the row of each of its slots: the token is read once.
/// @param in [tokens, pieces]   @param row_of_slot [tokens, slots], -1: none  @param out [rows,
/// pieces]
HOTEXPERT_HOST_DEVICE void permute_piece(const Piece* in, const std::int32_t* row_of_slot,
                                         int slots, std::int64_t pieces, std::int64_t token,
                                         std::int64_t piece, Piece* out) {
  const Piece value = in[token * pieces + piece];
  for (int slot = 0; slot < slots; ++slot) {
    const std::int64_t row = row_of_slot[token * slots + slot];
    if (row >= 0) out[row * pieces + piece] = value;
  }
}

HOTEXPERT_HOST_DEVICE float bits_to_float(std::uint32_t bits) {
  union {
    std::uint32_t bits;
    float number;
  } both;
  both.bits = bits;
  return both.number;
}

/// The values of a piece: 8 bf16 or 4 fp32.
struct Bf16Piece {
  static constexpr int kValues = 8;
  HOTEXPERT_HOST_DEVICE static float value(const Piece& piece, int i) {
    const std::uint32_t word = piece.words[i / 2];
    return bits_to_float(i % 2 == 0 ? word << 16 : word & 0xFFFF0000U);
  }
};
struct Fp32Piece {
  static constexpr int kValues = 4;
  HOTEXPERT_HOST_DEVICE static float value(const Piece& piece, int i) {
    return bits_to_float(piece.words[i]);
  }
};

/// The combined values of one piece of a token: sum over its slots, in slot order, of weight *
/// expert's value, in fp32. A token without rows gives zeros.
/// @param in [rows, pieces]   @param out [tokens, pieces * kValues]
template <class Format>
HOTEXPERT_HOST_DEVICE void combine_piece(const Piece* in, const std::int32_t* row_of_slot,
                                         const float* weight_of_slot, int slots,
                                         std::int64_t pieces, std::int64_t token,
                                         std::int64_t piece, float* out) {
  float sum[Format::kValues] = {};
  for (int slot = 0; slot < slots; ++slot) {
    const std::int64_t row = row_of_slot[token * slots + slot];
    if (row < 0) continue;
    const float weight = weight_of_slot[token * slots + slot];
    const Piece value = in[row * pieces + piece];
    for (int i = 0; i < Format::kValues; ++i) sum[i] += weight * Format::value(value, i);
  }
  float* to = out + (token * pieces + piece) * Format::kValues;
  for (int i = 0; i < Format::kValues; ++i) to[i] = sum[i];
}

}  // namespace hotexpert
