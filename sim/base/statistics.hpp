#pragma once

#include <optional>
#include <span>
#include <vector>

namespace hotexpert {

struct Interval {
  double low = 0;
  double high = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// p50, p95, p99 and the largest of a set of values.
struct Percentiles {
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double max = 0;
  friend bool operator==(const Percentiles&, const Percentiles&) = default;
};

double mean(std::span<const double> values);      ///< NaN when empty
double variance(std::span<const double> values);  ///< unbiased (n - 1); NaN below two values
/// The q-quantile by linear interpolation of order statistics (Hyndman and Fan type 7).  @param q
/// in [0, 1]; NaN when empty
double quantile(std::span<const double> values, double q);
double median(std::span<const double> values);
Percentiles percentiles(std::span<const double> values);  ///< of a non-empty set

/// Distribution-free confidence interval of the median from order statistics: [x_(r), x_(n+1-r)]
/// with the largest r for which P(Bin(n, 1/2) < r) <= (1 - level) / 2. Exact for continuous
/// distributions. Source: Conover, Practical Nonparametric Statistics, section 3.2.
/// @return nullopt when n is too small for the level (n < 6 at 0.95).
std::optional<Interval> median_interval(std::span<const double> values, double level = 0.95);

}  // namespace hotexpert
