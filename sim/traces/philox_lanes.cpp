#include "sim/traces/philox_lanes.hpp"

#include <algorithm>
#include <array>

#include "sim/traces/id_kernels.hpp"
#include "sim/traces/philox_loops.hpp"

namespace hotexpert {

void philox_lanes(const RandomKey& key, std::span<const std::uint32_t> items, std::uint32_t block,
                  std::span<std::uint32_t> words) {
  const auto loop = has_avx2() ? philox_loop_Avx2 : philox_loop_Baseline;
  const auto [key0, key1] = philox_key(key.seed, key.purpose);
  const PhiloxCall call{key0, key1, block, key.step, key.layer};
  const std::size_t n = items.size();
  const std::size_t whole = n - n % kPhiloxLanes;
  loop(call, items.data(), whole, words.data(), n);
  if (whole == n) return;
  std::array<std::uint32_t, kPhiloxLanes> last{};
  std::array<std::uint32_t, 4 * kPhiloxLanes> last_words{};
  std::copy(items.begin() + static_cast<std::ptrdiff_t>(whole), items.end(), last.begin());
  loop(call, last.data(), kPhiloxLanes, last_words.data(), kPhiloxLanes);
  for (std::size_t w = 0; w < 4; ++w) {
    std::copy_n(last_words.data() + w * kPhiloxLanes, n - whole, words.data() + w * n + whole);
  }
}

}  // namespace hotexpert
