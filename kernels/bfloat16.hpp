#pragma once

#include <bit>
#include <cstdint>

namespace hotexpert {

/// The upper 16 bits of an IEEE float: 8 bits of exponent, 7 of mantissa.
struct Bf16 {
  std::uint16_t bits = 0;
};

/// Rounds to the nearest bfloat16, ties to even. NaN stays NaN, overflow gives infinity.
inline Bf16 to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return {static_cast<std::uint16_t>(is_nan ? (bits >> 16) | 0x40U : rounded)};
}

/// Exact.
inline float to_float(Bf16 value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16); }
inline float to_float(float value) { return value; }

}  // namespace hotexpert
