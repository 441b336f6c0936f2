// Compiled once for each instruction set, like id_loops.cpp: everything but the table is local.
#include "sim/traces/gate_loops.hpp"

#include <cstring>

#include "sim/traces/loop_set.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kInRegister = kRegister / sizeof(double);
using Doubles = double __attribute__((vector_size(kRegister)));
using Bits = std::uint64_t __attribute__((vector_size(kRegister)));
using Words = std::uint32_t __attribute__((vector_size(kRegister / 2)));
using Floats = float __attribute__((vector_size(kRegister / 2)));
static_assert(GateLoops::kLanes % kInRegister == 0);

template <class Vector, class Element>
inline Vector load(const Element* from) {
  Vector out;
  std::memcpy(&out, from, sizeof(out));
  return out;
}

inline Bits as_bits(const Doubles& value) {
  Bits out;
  std::memcpy(&out, &value, sizeof(out));
  return out;
}
inline Doubles as_doubles(const Bits& bits) {
  Doubles out;
  std::memcpy(&out, &bits, sizeof(out));
  return out;
}

/// Exact for integers below 2^52, by way of the mantissa of 2^52.
inline Doubles to_doubles(const Bits& integers) {
  return as_doubles(integers | (Bits{} + 0x4330000000000000U)) - 0x1p52;
}

/// portable_log of sim/base/math for normal numbers above 0, the same operations in the same order.
inline Doubles log_of(const Doubles& x) {
  constexpr double kLn2High = 0x1.62e42fee00000p-1;
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  const Bits bits = as_bits(x);
  Doubles m = as_doubles((bits & 0xfffffffffffffU) | (Bits{} + 0x3ff0000000000000U));
  const auto large = m > 1.4142135623730951;
  m = large ? m * 0.5 : m;
  const Doubles exponent =
      to_doubles(bits >> 52) - (large ? Doubles{} + 1022.0 : Doubles{} + 1023.0);
  const Doubles s = (m - 1.0) / (m + 1.0);
  const Doubles s2 = s * s;
  Doubles series{};
#pragma GCC unroll 10
  for (int i = 21; i >= 3; i -= 2) series = (series + 1.0 / i) * s2;
  return exponent * kLn2High + (2.0 * s + (2.0 * s * series + exponent * kLn2Low));
}

void exponentials(const std::uint32_t* words, std::size_t count, float* gates, double* sums) {
  for (std::size_t i = 0; i < count; i += kInRegister) {
    const Bits word = __builtin_convertvector(load<Words>(words + i), Bits);
    const Doubles uniform = (to_doubles(word) + 0.5) * 0x1p-32;
    const Floats gate = __builtin_convertvector(-log_of(uniform), Floats);
    const Doubles sum = load<Doubles>(sums + i) + __builtin_convertvector(gate, Doubles);
    std::memcpy(gates + i, &gate, sizeof(gate));
    std::memcpy(sums + i, &sum, sizeof(sum));
  }
}

void shares(std::size_t count, const double* sums, float* gates) {
  for (std::size_t i = 0; i < count; i += kInRegister) {
    const Doubles gate = __builtin_convertvector(load<Floats>(gates + i), Doubles);
    const Floats share = __builtin_convertvector(gate / load<Doubles>(sums + i), Floats);
    std::memcpy(gates + i, &share, sizeof(share));
  }
}

}  // namespace

extern const GateLoops HOTEXPERT_CONCAT(kGateLoops, HOTEXPERT_LOOPS);
const GateLoops HOTEXPERT_CONCAT(kGateLoops, HOTEXPERT_LOOPS) = {exponentials, shares};

}  // namespace hotexpert
