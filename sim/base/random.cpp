#include "sim/base/random.hpp"

#include <Random123/philox.h>

#include "sim/base/math.hpp"

namespace hotexpert {

std::array<std::uint32_t, 2> philox_key(std::uint64_t seed, RandomPurpose purpose) {
  // A fixed odd multiple of the purpose keeps the map (seed, purpose) -> key one-to-one for
  // purposes below 2^32 and spreads neighbouring seeds; equal keys need seeds that differ by that
  // multiple.
  const std::uint64_t key = seed + static_cast<std::uint64_t>(purpose) * 0x9e3779b97f4a7c15ULL;
  return {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

std::array<std::uint32_t, 4> philox(const RandomKey& key, std::uint32_t item, std::uint32_t block) {
  const auto words = philox_key(key.seed, key.purpose);
  r123::Philox4x32 generator;
  const r123::Philox4x32::key_type k = {{words[0], words[1]}};
  const r123::Philox4x32::ctr_type c = {{item, block, key.step, key.layer}};
  const auto out = generator(c, k);
  return {out[0], out[1], out[2], out[3]};
}

std::uint32_t RandomStream::next() {
  if (used_ == 4) {
    words_ = philox(key_, item_, block_++);
    used_ = 0;
  }
  return words_[static_cast<std::size_t>(used_++)];
}

double RandomStream::exponential() { return -portable_log(uniform()); }

double RandomStream::normal() { return portable_normal_quantile(uniform()); }

std::uint32_t RandomStream::below(std::uint32_t bound) {
  std::uint64_t product = std::uint64_t{next()} * bound;
  if (static_cast<std::uint32_t>(product) < bound) {
    const std::uint32_t threshold = (0U - bound) % bound;
    while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next()} * bound;
  }
  return static_cast<std::uint32_t>(product >> 32);
}

}  // namespace hotexpert
