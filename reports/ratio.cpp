#include "reports/ratio.hpp"

#include <cmath>

namespace hotexpert {

Ratio ratio_of(const Measurement& numerator, const Measurement& denominator) {
  Ratio ratio{numerator.value / denominator.value, {}};
  const auto& above = numerator.ci95;
  const auto& under = denominator.ci95;
  if (!above || !under || above->low <= 0 || under->low <= 0) return ratio;
  const double down =
      std::hypot(std::log(numerator.value / above->low), std::log(under->high / denominator.value));
  const double up =
      std::hypot(std::log(above->high / numerator.value), std::log(denominator.value / under->low));
  ratio.ci95 = Interval{ratio.value * std::exp(-down), ratio.value * std::exp(up)};
  return ratio;
}

}  // namespace hotexpert
