// Compiled once for each instruction set, like id_loops.cpp: everything but the function is local.
#include "sim/traces/philox_loops.hpp"

#define HOTEXPERT_CONCAT_(a, b) a##b
#define HOTEXPERT_CONCAT(a, b) HOTEXPERT_CONCAT_(a, b)

namespace hotexpert {
namespace {

// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
constexpr int kRounds = 10;
constexpr std::uint32_t kMultiplier0 = 0xD2511F53U;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57U;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9U;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85U;

inline std::uint32_t high(std::uint64_t product) {
  return static_cast<std::uint32_t>(product >> 32);
}
inline std::uint32_t low(std::uint64_t product) { return static_cast<std::uint32_t>(product); }

}  // namespace

void HOTEXPERT_CONCAT(philox_rounds_, HOTEXPERT_LOOPS)(PhiloxCounters& c, std::uint32_t key0,
                                                       std::uint32_t key1) {
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kPhiloxLanes; ++i) {
      const std::uint64_t product0 = std::uint64_t{kMultiplier0} * c.word[0][i];
      const std::uint64_t product1 = std::uint64_t{kMultiplier1} * c.word[2][i];
      c.word[0][i] = high(product1) ^ c.word[1][i] ^ key0;
      c.word[1][i] = low(product1);
      c.word[2][i] = high(product0) ^ c.word[3][i] ^ key1;
      c.word[3][i] = low(product0);
    }
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
}

}  // namespace hotexpert
