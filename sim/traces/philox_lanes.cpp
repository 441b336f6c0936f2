#include "sim/traces/philox_lanes.hpp"

#include <algorithm>
#include <array>

namespace hotexpert {
namespace {

// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
constexpr int kRounds = 10;
constexpr std::uint32_t kMultiplier0 = 0xD2511F53U;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57U;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9U;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85U;

constexpr std::size_t kLanes = 16;  // items in flight: fills two AVX2 or one AVX-512 register

struct Counter {
  std::array<std::uint32_t, kLanes> word0, word1, word2, word3;
};

std::uint32_t high(std::uint64_t product) { return static_cast<std::uint32_t>(product >> 32); }
std::uint32_t low(std::uint64_t product) { return static_cast<std::uint32_t>(product); }

void rounds(Counter& c, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::uint64_t product0 = std::uint64_t{kMultiplier0} * c.word0[i];
      const std::uint64_t product1 = std::uint64_t{kMultiplier1} * c.word2[i];
      c.word0[i] = high(product1) ^ c.word1[i] ^ key[0];
      c.word1[i] = low(product1);
      c.word2[i] = high(product0) ^ c.word3[i] ^ key[1];
      c.word3[i] = low(product0);
    }
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
}

}  // namespace

void philox_lanes(const RandomKey& key, std::span<const std::uint32_t> items, std::uint32_t block,
                  std::span<std::uint32_t> words) {
  const auto key_words = philox_key(key.seed, key.purpose);
  const std::size_t n = items.size();
  for (std::size_t start = 0; start < n; start += kLanes) {
    const std::size_t lanes = std::min(kLanes, n - start);
    Counter counter{};
    std::copy_n(items.begin() + static_cast<std::ptrdiff_t>(start), lanes, counter.word0.begin());
    counter.word1.fill(block);
    counter.word2.fill(key.step);
    counter.word3.fill(key.layer);
    rounds(counter, key_words);
    std::copy_n(counter.word0.begin(), lanes, words.data() + start);
    std::copy_n(counter.word1.begin(), lanes, words.data() + n + start);
    std::copy_n(counter.word2.begin(), lanes, words.data() + 2 * n + start);
    std::copy_n(counter.word3.begin(), lanes, words.data() + 3 * n + start);
  }
}

}  // namespace hotexpert
