#pragma once

#include <optional>

#include "sim/core/point_result.hpp"

namespace hotexpert {

/// A quotient of two measured values with its 95 % interval.
struct Ratio {
  double value = 0;
  std::optional<Interval> ci95;  ///< absent where one of the two has none

  /// The interval shows that the ratio is above / below `limit`. Never without an interval.
  [[nodiscard]] bool above(double limit) const { return ci95 && ci95->low > limit; }
  [[nodiscard]] bool below(double limit) const { return ci95 && ci95->high < limit; }
};

/// numerator / denominator. The interval joins the two by the method of variance estimates recovery
/// on the logarithm (Zou and Donner 2008, Statistics in Medicine 27:1693), which keeps skewed
/// intervals skewed.
/// @param numerator, denominator positive values
Ratio ratio_of(const Measurement& numerator, const Measurement& denominator);

}  // namespace hotexpert
