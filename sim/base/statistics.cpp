#include "sim/base/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hotexpert {
namespace {

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

double quantile_of_sorted(const std::vector<double>& values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  if (below + 1 >= values.size()) return values.back();
  const double fraction = position - static_cast<double>(below);
  return values[below] + fraction * (values[below + 1] - values[below]);
}

}  // namespace

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double variance(std::span<const double> values) {
  if (values.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double center = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - center) * (value - center);
  return sum / static_cast<double>(values.size() - 1);
}

double quantile(std::span<const double> values, double q) {
  return quantile_of_sorted(sorted(values), q);
}

double median(std::span<const double> values) { return quantile(values, 0.5); }

Percentiles percentiles(std::span<const double> values) {
  const auto ordered = sorted(values);
  return {quantile_of_sorted(ordered, 0.5), quantile_of_sorted(ordered, 0.95),
          quantile_of_sorted(ordered, 0.99), ordered.back()};
}

std::optional<Interval> median_interval(std::span<const double> values, double level) {
  const auto n = values.size();
  const double tail = (1.0 - level) / 2.0;
  // P(Bin(n, 1/2) <= i) summed term by term in logarithms.
  double cumulative = 0;
  std::size_t rank = 0;  // the number of order statistics cut off at each end
  for (std::size_t i = 0; i < n / 2; ++i) {
    const auto nd = static_cast<double>(n);
    const auto id = static_cast<double>(i);
    cumulative += std::exp(std::lgamma(nd + 1) - std::lgamma(id + 1) - std::lgamma(nd - id + 1) -
                           nd * std::log(2.0));
    if (cumulative > tail) break;
    rank = i + 1;
  }
  if (rank == 0) return std::nullopt;
  const auto ordered = sorted(values);
  return Interval{ordered[rank - 1], ordered[n - rank]};
}

}  // namespace hotexpert
