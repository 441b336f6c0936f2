#pragma once

#include <span>

#include "sim/base/statistics.hpp"

namespace hotexpert {

/// Fewer samples than this on either side cannot reach p = 0.05 in a rank test: no verdict.
inline constexpr std::size_t kMinGateSamples = 6;

/// A two-sided rank test of "no shift", with the shift it sees. Outliers move ranks, not values.
struct RankTest {
  double p_value = 1;
  double shift = 0;  ///< Hodges-Lehmann estimate
  Interval ci95;     ///< of the shift, from the same ranks
};

/// Wilcoxon signed-rank test of paired differences (normal approximation with tie and continuity
/// correction, zeros left out; Hollander, Wolfe and Chicken, 3rd ed., sections 3.1 to 3.3). The
/// shift is the median of all averages of two differences; O(n^2 log n).
/// @param differences at least kMinGateSamples
RankTest signed_rank(std::span<const double> differences);

/// Mann-Whitney test of two independent samples (as above; sections 4.1 to 4.3). The shift is the
/// median of all after - before; O(nm log nm).
/// @param before, after at least kMinGateSamples each
RankTest mann_whitney(std::span<const double> before, std::span<const double> after);

}  // namespace hotexpert
