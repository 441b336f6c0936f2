#include "sim/traces/group_limited.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "sim/base/math.hpp"

namespace hotexpert {
namespace {

double sigmoid(double x) { return 1.0 / (1.0 + portable_exp(-x)); }

/// Sum of the sigmoids of the two highest logits.
double group_score(std::span<const double> logits) {
  double first = -1e300;
  double second = -1e300;
  for (const double logit : logits) {
    second = std::max(second, std::min(first, logit));
    first = std::max(first, logit);
  }
  return sigmoid(first) + (logits.size() > 1 ? sigmoid(second) : 0.0);
}

/// Indices of the `count` largest values, largest first, ties to the lower index.
std::vector<int> largest(std::span<const double> values, int count) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int a, int b) {
    const double va = values[static_cast<std::size_t>(a)];
    const double vb = values[static_cast<std::size_t>(b)];
    return va != vb ? va > vb : a < b;
  });
  order.resize(static_cast<std::size_t>(count));
  return order;
}

}  // namespace

void draw_group_limited(const PopularityTable& table, const RandomKey& key,
                        std::span<const std::uint32_t> tokens, const GroupLimit& limit,
                        std::span<StoredExpert> ids) {
  const auto experts = static_cast<std::size_t>(table.num_experts());
  const auto group_size = experts / static_cast<std::size_t>(limit.groups);
  const auto slots = static_cast<std::size_t>(limit.top_k);
  std::vector<double> bias(experts);  // ln(popularity / mean popularity)
  for (std::size_t e = 0; e < experts; ++e) {
    const auto weight = static_cast<double>(table.weight(static_cast<StoredExpert>(e)));
    bias[e] = portable_log(weight * 0x1p-46 * static_cast<double>(experts));
  }
  std::vector<double> logits(experts);
  std::vector<double> scores(static_cast<std::size_t>(limit.groups));
  std::vector<double> allowed(experts);
  for (const auto token : tokens) {
    RandomStream stream(key, token);
    for (std::size_t e = 0; e < experts; ++e)
      logits[e] = bias[e] - portable_log(stream.exponential());
    for (std::size_t g = 0; g < scores.size(); ++g) {
      scores[g] = group_score(std::span(logits).subspan(g * group_size, group_size));
    }
    std::fill(allowed.begin(), allowed.end(), -1e300);
    for (const int group : largest(scores, limit.topk_groups)) {
      const auto first = static_cast<std::size_t>(group) * group_size;
      std::copy_n(logits.begin() + static_cast<std::ptrdiff_t>(first), group_size,
                  allowed.begin() + static_cast<std::ptrdiff_t>(first));
    }
    const auto chosen = largest(allowed, limit.top_k);
    std::transform(chosen.begin(), chosen.end(),
                   ids.begin() + static_cast<std::ptrdiff_t>(token * slots),
                   [](int e) { return static_cast<StoredExpert>(e); });
  }
}

}  // namespace hotexpert
