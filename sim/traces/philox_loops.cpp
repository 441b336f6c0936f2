// Compiled once for each instruction set, like id_loops.cpp: everything but the function is local.
#include "sim/traces/philox_loops.hpp"

#include <cstring>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "sim/traces/loop_set.hpp"

namespace hotexpert {
namespace {

/// A word in the lower half of each lane; upper halves hold anything. Words stay in registers for
/// all ten rounds, where products leave them: no shuffles, no memory.
using Lanes = std::uint64_t __attribute__((vector_size(kRegister)));

// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
constexpr int kRounds = 10;
constexpr std::uint32_t kMultiplier0 = 0xD2511F53U;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57U;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9U;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85U;

constexpr std::size_t kVectors = 2 * kPhiloxLanes * sizeof(std::uint32_t) / kRegister;
constexpr Lanes kLow = Lanes{} + 0xffffffffU;

/// The 64-bit products of the lower halves: one instruction, which compilers do not find from the
/// expression of the last line.
inline Lanes multiply(Lanes words, std::uint32_t multiplier) {
  const Lanes factor = Lanes{} + multiplier;
#if defined(__AVX2__)
  return reinterpret_cast<Lanes>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(words), reinterpret_cast<__m256i>(factor)));
#elif defined(__SSE2__)
  return reinterpret_cast<Lanes>(
      _mm_mul_epu32(reinterpret_cast<__m128i>(words), reinterpret_cast<__m128i>(factor)));
#else
  return (words & kLow) * factor;
#endif
}

/// Even words to one vector, odd words to the next, and back.
inline void spread(const std::uint32_t* from, Lanes* to) {
  for (std::size_t v = 0; v < kVectors; v += 2, from += kRegister / sizeof(*from)) {
    std::memcpy(&to[v], from, kRegister);
    to[v + 1] = to[v] >> 32;
  }
}
inline void gather(const Lanes* from, std::uint32_t* to) {
  for (std::size_t v = 0; v < kVectors; v += 2, to += kRegister / sizeof(*to)) {
    const Lanes both = (from[v] & kLow) | from[v + 1] << 32;
    std::memcpy(to, &both, kRegister);
  }
}

}  // namespace

void HOTEXPERT_CONCAT(philox_loop_, HOTEXPERT_LOOPS)(const PhiloxCall& call,
                                                     const std::uint32_t* items, std::size_t count,
                                                     std::uint32_t* words, std::size_t stride) {
  for (std::size_t start = 0; start < count; start += kPhiloxLanes) {
    Lanes word0[kVectors], word1[kVectors], word2[kVectors], word3[kVectors];
    spread(items + start, word0);
    for (std::size_t v = 0; v < kVectors; ++v) {
      word1[v] = Lanes{} + call.block;
      word2[v] = Lanes{} + call.step;
      word3[v] = Lanes{} + call.layer;
    }
    std::uint32_t key0 = call.key0;
    std::uint32_t key1 = call.key1;
#pragma GCC unroll 10  // or the registers are written to memory every round
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        const Lanes product0 = multiply(word0[v], kMultiplier0);
        const Lanes product1 = multiply(word2[v], kMultiplier1);
        word0[v] = (product1 >> 32) ^ word1[v] ^ (Lanes{} + key0);
        word1[v] = product1;
        word2[v] = (product0 >> 32) ^ word3[v] ^ (Lanes{} + key1);
        word3[v] = product0;
      }
      key0 += kWeyl0;
      key1 += kWeyl1;
    }
    gather(word0, words + start);
    gather(word1, words + stride + start);
    gather(word2, words + 2 * stride + start);
    gather(word3, words + 3 * stride + start);
  }
}

}  // namespace hotexpert
