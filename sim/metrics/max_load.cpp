#include "sim/metrics/max_load.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "sim/metrics/binomial.hpp"

namespace hotexpert {
namespace {

/// P(no bin holds more than `most`).
long double none_above(std::int64_t balls, int bins, std::int64_t most) {
  if (most * bins < balls) return 0;
  const auto size = static_cast<std::size_t>(balls) + 1;
  std::vector<long double> left(size, 0);  // P(n balls left, none above so far)
  left[size - 1] = 1;
  std::vector<long double> next(size);
  for (int e = bins; e > 1; --e) {
    std::fill(next.begin(), next.end(), 0);
    const std::int64_t hold = most * (e - 1);  // more could not be held by the others
    for (std::int64_t n = 0; n <= balls; ++n) {
      const long double here = left[static_cast<std::size_t>(n)];
      if (here == 0) continue;
      for (std::int64_t x = std::max<std::int64_t>(0, n - hold); x <= std::min(most, n); ++x)
        next[static_cast<std::size_t>(n - x)] += here * binomial_probability(n, 1.0L / e, x);
    }
    left.swap(next);
  }
  long double sum = 0;
  for (std::int64_t n = 0; n <= std::min(most, balls); ++n)
    sum += left[static_cast<std::size_t>(n)];
  return sum;
}

}  // namespace

double expected_max_load(std::int64_t balls, int bins) {
  if (balls < 0 || bins < 1) throw std::invalid_argument("expected_max_load: no balls or no bins");
  constexpr long double kNegligible = 1e-18L;
  const std::int64_t least = (balls + bins - 1) / bins;  // some bin holds as many
  auto sum = static_cast<long double>(least);
  for (std::int64_t most = least; most < balls; ++most) {
    const long double above = 1 - none_above(balls, bins, most);
    sum += above;
    if (above < kNegligible) break;
  }
  return static_cast<double>(sum);
}

}  // namespace hotexpert
