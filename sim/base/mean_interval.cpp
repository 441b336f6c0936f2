#include "sim/base/mean_interval.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace hotexpert {

std::optional<Interval> mean_interval(std::span<const double> values, double level) {
  if (values.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  const double t = boost::math::quantile(boost::math::students_t(n - 1), (1.0 + level) / 2.0);
  const double center = mean(values);
  const double half_width = t * std::sqrt(variance(values) / n);
  return Interval{center - half_width, center + half_width};
}

}  // namespace hotexpert
