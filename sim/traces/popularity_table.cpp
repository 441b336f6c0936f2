#include "sim/traces/popularity_table.hpp"

#include <algorithm>
#include <numeric>

namespace hotexpert {
namespace {

__extension__ using UInt128 = unsigned __int128;

constexpr std::uint64_t kTotal = std::uint64_t{1} << PopularityTable::kWeightBits;

/// Weights >= 1 that sum to kTotal; what rounding left over goes to the hottest expert.
std::vector<std::uint64_t> integer_weights(std::span<const double> popularity) {
  const double sum = std::accumulate(popularity.begin(), popularity.end(), 0.0);
  const double scale = static_cast<double>(kTotal) / sum;
  std::vector<std::uint64_t> weights;
  weights.reserve(popularity.size());
  for (const double p : popularity) {
    weights.push_back(std::max(std::uint64_t{1}, static_cast<std::uint64_t>(p * scale + 0.5)));
  }
  const auto rounded = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  *std::max_element(weights.begin(), weights.end()) += kTotal - rounded;
  return weights;
}

}  // namespace

PopularityTable::PopularityTable(std::span<const double> popularity)
    : alias_(popularity.size()), cumulative_(popularity.size() + 1) {
  const auto weights = integer_weights(popularity);
  std::partial_sum(weights.begin(), weights.end(), cumulative_.begin() + 1);
  build_alias(weights);
}

void PopularityTable::build_alias(std::span<const std::uint64_t> weights) {
  // Every bucket holds kTotal after scaling by E: 2^46 * 32767 fits 63 bits.
  std::vector<std::uint64_t> scaled;
  std::vector<std::size_t> below;
  std::vector<std::size_t> above;
  for (std::size_t e = 0; e < weights.size(); ++e) {
    scaled.push_back(weights[e] * weights.size());
    (scaled[e] < kTotal ? below : above).push_back(e);
    alias_[e] = {0, static_cast<StoredExpert>(e), static_cast<StoredExpert>(e)};
  }
  // A bucket below its fill is topped up by an expert above: sums are exact, so `above` cannot run
  // out first.
  while (!below.empty()) {
    const std::size_t small = below.back();
    const std::size_t large = above.back();
    below.pop_back();
    alias_[small].threshold = static_cast<std::uint32_t>(scaled[small] >> (kWeightBits - 32));
    alias_[small].other = static_cast<StoredExpert>(large);
    scaled[large] -= kTotal - scaled[small];
    if (scaled[large] < kTotal) {
      above.pop_back();
      below.push_back(large);
    }
  }
}

StoredExpert PopularityTable::draw_other(std::uint64_t bits,
                                         std::span<const StoredExpert> taken) const {
  std::uint64_t remaining = kTotal;
  for (const auto expert : taken) remaining -= weight(expert);
  // A position in the weight of the others, moved past each taken expert that lies before it.
  auto position = static_cast<std::uint64_t>((UInt128{bits} * remaining) >> 64);
  for (const auto expert : taken) {
    if (position < cumulative_[static_cast<std::size_t>(expert)]) break;
    position += weight(expert);
  }
  return holder_of(position);
}

StoredExpert PopularityTable::holder_of(std::uint64_t position) const {
  // The last expert that begins at or before the position, halving without a branch: where a draw
  // falls cannot be predicted.
  std::size_t first = 0;
  for (std::size_t count = alias_.size(); count > 1;) {
    const std::size_t half = count / 2;
    first += cumulative_[first + half] <= position ? half : 0;
    count -= half;
  }
  return static_cast<StoredExpert>(first);
}

}  // namespace hotexpert
