#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "sim/base/statistics.hpp"

namespace hotexpert {

/// Values from which on tables show an interval: for two, Student's factor is 12.7, and the
/// interval as a rule wider than anything the quantity could be.
inline constexpr std::size_t kFewestShownWithInterval = 3;

/// Confidence interval of the mean of normal values with unknown variance (Student's t), as for
/// runs that differ in their seed. @return nullopt below two values
std::optional<Interval> mean_interval(std::span<const double> values, double level = 0.95);

}  // namespace hotexpert
