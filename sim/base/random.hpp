#pragma once

#include <array>
#include <cstdint>

namespace hotexpert {

/// What a random number is for. Part of the key, so that adding draws of one kind never shifts
/// another kind. The values are part of the results: never renumber, only append.
enum class RandomPurpose : std::uint32_t {
  kRouting = 1,         ///< experts of a token
  kGateWeight = 2,      ///< gate weights of a token
  kPopularity = 3,      ///< popularity of the experts of a layer
  kShuffleExperts = 4,  ///< which expert id is hot
  kShuffleTokens = 5,   ///< trace.order = shuffled
  kWeights = 6,         ///< expert weights
  kActivations = 7,     ///< token activations
  kDropOrder = 8,       ///< drop policy `random`
  kPlacement = 9,       ///< placement method `random`
  kTraining = 10,       ///< router lab
  kBootstrap = 11,      ///< resampling
  kTest = 12,           ///< tests and benchmarks
  kScores = 13,         ///< router scores of a token
  kRegime = 14,         ///< which popularity a token of a synthetic trace follows
  kControl = 15,        ///< balanced control of a batch
  kPairing = 16,        ///< experts chosen together
};

/// Position of a random block: what it is for, and where. Equal keys give equal numbers, in any
/// order, on any thread.
struct RandomKey {
  std::uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::kTest;
  std::uint32_t step = 0;
  std::uint32_t layer = 0;
};

/// Philox4x32-10 (Salmon et al. 2011, Random123): 4 words for (key, item, block).
/// The 64-bit Philox key is mixed from (seed, purpose) ; the 128-bit counter is {item, block, step,
/// layer}.
std::array<std::uint32_t, 4> philox(const RandomKey& key, std::uint32_t item, std::uint32_t block);

/// The two key words that philox() uses for (seed, purpose), for vectorised generators of the same
/// numbers.
std::array<std::uint32_t, 2> philox_key(std::uint64_t seed, RandomPurpose purpose);

/// A uniform double in (0, 1): (word + 0.5) / 2^32 with 32 bits, or 53 bits from two words.
inline double unit_interval(std::uint32_t word) { return (word + 0.5) * 0x1p-32; }
inline double unit_interval(std::uint32_t high, std::uint32_t low) {
  const auto bits = ((std::uint64_t{high} << 32 | low) >> 12);
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

/// A sequence of numbers for one item (a token, an expert, a draw): a counter over philox blocks.
class RandomStream {
 public:
  RandomStream(const RandomKey& key, std::uint32_t item) : key_(key), item_(item) {}
  std::uint32_t next();
  double uniform() {
    const std::uint32_t high = next();
    return unit_interval(high, next());
  }                      ///< in (0, 1)
  double exponential();  ///< rate 1
  double normal();       ///< mean 0, variance 1
  /// A uniform integer in [0, bound), without bias (Lemire 2019).   @param bound in [1, 2^32)
  std::uint32_t below(std::uint32_t bound);

 private:
  RandomKey key_;
  std::uint32_t item_;
  std::uint32_t block_ = 0;
  int used_ = 4;
  std::array<std::uint32_t, 4> words_{};
};

}  // namespace hotexpert
