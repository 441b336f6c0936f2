#include "sim/traces/id_kernels.hpp"

#include <numeric>

namespace hotexpert {

// Defined by id_loops.cpp, once for each instruction set.
extern const IdKernels<std::uint8_t> kIdKernelsBaselineNarrow;
extern const IdKernels<std::uint16_t> kIdKernelsBaselineWide;
extern const IdKernels<std::uint8_t> kIdKernelsAvx2Narrow;
extern const IdKernels<std::uint16_t> kIdKernelsAvx2Wide;

bool has_avx2() {
#if defined(__x86_64__)
  static const bool present = __builtin_cpu_supports("avx2") != 0;
  return present;
#else
  return false;
#endif
}

template <>
const IdKernels<std::uint8_t>& baseline_id_kernels() {
  return kIdKernelsBaselineNarrow;
}
template <>
const IdKernels<std::uint16_t>& baseline_id_kernels() {
  return kIdKernelsBaselineWide;
}
template <>
const IdKernels<std::uint8_t>& id_kernels() {
  return has_avx2() ? kIdKernelsAvx2Narrow : kIdKernelsBaselineNarrow;
}
template <>
const IdKernels<std::uint16_t>& id_kernels() {
  return has_avx2() ? kIdKernelsAvx2Wide : kIdKernelsBaselineWide;
}

template <class Lane>
std::vector<Lane> slot_masks(std::size_t k, std::size_t lanes) {
  const std::size_t phases = k / std::gcd(k, lanes);
  std::vector<Lane> masks;
  masks.reserve(phases * (2 * k - 1) * lanes);
  for (std::size_t phase = 0; phase < phases; ++phase) {
    for (std::size_t j = 0; j < 2 * k - 1; ++j) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const std::size_t met = (phase * lanes + lane) % k + j;  // s + j, k - 1 too large
        masks.push_back(static_cast<Lane>(met >= k - 1 && met < 2 * k - 1 ? ~0U : 0U));
      }
    }
  }
  return masks;
}
template std::vector<std::uint8_t> slot_masks(std::size_t k, std::size_t lanes);
template std::vector<std::uint16_t> slot_masks(std::size_t k, std::size_t lanes);

}  // namespace hotexpert
