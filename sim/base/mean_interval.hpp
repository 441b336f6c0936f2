#pragma once

#include <optional>
#include <span>

#include "sim/base/statistics.hpp"

namespace hotexpert {

/// Confidence interval of the mean of normal values with unknown variance (Student's t), as for
/// runs that differ in their seed. @return nullopt below two values
std::optional<Interval> mean_interval(std::span<const double> values, double level = 0.95);

}  // namespace hotexpert
