#include "sim/model/published_loads.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>
#include <span>
#include <utility>

#include "sim/base/math.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

constexpr std::uint64_t kSeed = 20;

double portable_power(double base, double exponent) {
  return portable_exp(exponent * portable_log(base));
}

/// Moves `rows` rows in (sign +1) or out of (sign -1) the experts, one a rank in turn: to the
/// emptiest expert of the rank below `limit`, or from its fullest above 0. Ties: lower index.
void spread_over_ranks(std::span<std::int64_t> loads, int ranks, std::int64_t rows, int sign,
                       std::int64_t limit) {
  using Entry = std::pair<std::int64_t, std::size_t>;  // signed load, index
  using Heap = std::priority_queue<Entry, std::vector<Entry>, std::greater<>>;
  const std::size_t local = loads.size() / static_cast<std::size_t>(ranks);
  std::vector<Heap> heaps(static_cast<std::size_t>(ranks));
  for (std::size_t e = 0; e < loads.size(); ++e) heaps[e / local].emplace(sign * loads[e], e);
  for (bool moved = true; rows > 0 && moved;) {
    moved = false;
    for (Heap& heap : heaps) {
      const auto [load, expert] = heap.top();
      if (load >= limit || rows == 0) continue;
      heap.pop();
      heap.emplace(load + 1, expert);
      loads[expert] += sign;
      --rows;
      moved = true;
    }
  }
}

void hottest_rank_first(std::span<std::int64_t> loads, int ranks) {
  const std::size_t local = loads.size() / static_cast<std::size_t>(ranks);
  const auto rank_rows = [&](std::size_t rank) {
    const auto part = loads.subspan(rank * local, local);
    return std::accumulate(part.begin(), part.end(), std::int64_t{0});
  };
  std::size_t hottest = 0;
  for (std::size_t rank = 1; rank < static_cast<std::size_t>(ranks); ++rank) {
    if (rank_rows(rank) > rank_rows(hottest)) hottest = rank;
  }
  if (hottest == 0) return;
  const auto first = loads.subspan(0, local);
  std::swap_ranges(first.begin(), first.end(), loads.subspan(hottest * local, local).begin());
}

}  // namespace

std::vector<std::int64_t> balanced_loads(const PublishedRouting& routing) {
  const std::int64_t experts = routing.num_experts;
  const std::int64_t stride = (experts + routing.top_k - 1) / routing.top_k;
  std::vector<std::int64_t> loads(static_cast<std::size_t>(experts));
  for (std::int64_t t = 0; t < routing.tokens; ++t) {
    const std::int64_t first = routing.tokens >= stride ? t : t * stride / routing.tokens;
    for (std::int64_t i = 0; i < routing.top_k; ++i) {
      ++loads[static_cast<std::size_t>((first + i * stride) % experts)];
    }
  }
  return loads;
}

std::vector<std::int64_t> power_law_loads(const PublishedRouting& routing, double alpha,
                                          std::uint32_t draw) {
  const auto experts = static_cast<std::size_t>(routing.num_experts);
  const std::int64_t assignments = routing.tokens * routing.top_k;
  const bool many = assignments > routing.num_experts;
  const double low = many ? 1 : 0.01;
  const double high = many ? 0.8 * static_cast<double>(routing.tokens) : 2;
  const double exponent = 1 - alpha;
  const double low_power = portable_power(low, exponent);
  const double high_power = portable_power(high, exponent);

  const RandomKey key{kSeed + static_cast<std::uint64_t>(alpha * 1e6), RandomPurpose::kPopularity,
                      static_cast<std::uint32_t>(routing.tokens),
                      static_cast<std::uint32_t>(routing.ranks)};
  RandomStream random(key, draw);
  std::vector<double> x(experts);
  for (double& value : x) {
    value = portable_power((high_power - low_power) * random.uniform() + low_power, 1 / exponent);
  }
  const double scale = static_cast<double>(assignments) / std::accumulate(x.begin(), x.end(), 0.0);

  std::vector<std::int64_t> loads(experts);
  std::int64_t cut = 0;
  for (std::size_t e = 0; e < experts; ++e) {
    const auto rows = static_cast<std::int64_t>(std::nearbyint(x[e] * scale));
    loads[e] = std::min(rows, routing.tokens);
    cut += rows - loads[e];
  }
  spread_over_ranks(loads, routing.ranks, cut, 1, routing.tokens);
  const std::int64_t missing =
      assignments - std::accumulate(loads.begin(), loads.end(), std::int64_t{0});
  if (missing > 0) spread_over_ranks(loads, routing.ranks, missing, 1, routing.tokens);
  if (missing < 0) spread_over_ranks(loads, routing.ranks, -missing, -1, 0);
  hottest_rank_first(loads, routing.ranks);
  return loads;
}

}  // namespace hotexpert
