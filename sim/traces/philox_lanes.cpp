#include "sim/traces/philox_lanes.hpp"

#include <algorithm>

#include "sim/traces/id_kernels.hpp"
#include "sim/traces/philox_loops.hpp"

namespace hotexpert {

void philox_lanes(const RandomKey& key, std::span<const std::uint32_t> items, std::uint32_t block,
                  std::span<std::uint32_t> words) {
  const auto rounds = has_avx2() ? philox_rounds_Avx2 : philox_rounds_Baseline;
  const auto key_words = philox_key(key.seed, key.purpose);
  const std::size_t n = items.size();
  for (std::size_t start = 0; start < n; start += kPhiloxLanes) {
    const std::size_t lanes = std::min(kPhiloxLanes, n - start);
    PhiloxCounters counters{};
    std::copy_n(items.begin() + static_cast<std::ptrdiff_t>(start), lanes, counters.word[0]);
    std::fill_n(counters.word[1], kPhiloxLanes, block);
    std::fill_n(counters.word[2], kPhiloxLanes, key.step);
    std::fill_n(counters.word[3], kPhiloxLanes, key.layer);
    rounds(counters, key_words[0], key_words[1]);
    for (std::size_t w = 0; w < 4; ++w) {
      std::copy_n(counters.word[w], lanes, words.data() + w * n + start);
    }
  }
}

}  // namespace hotexpert
