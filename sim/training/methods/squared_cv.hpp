#pragma once

#include <span>

namespace hotexpert::training {

/// CV(x)^2 = population variance / mean^2, and its gradient in place of x. Zero, with zero
/// gradient, when x sums to zero.
///   CV^2 = E S2 / S1^2 - 1,  dCV^2/dx_i = 2 E (x_i - S2 / S1) / S1^2,  S1 = sum x, S2 = sum x^2
inline double squared_cv(std::span<double> x) {
  double sum = 0;
  double squares = 0;
  for (const double value : x) {
    sum += value;
    squares += value * value;
  }
  const auto count = static_cast<double>(x.size());
  const double scale = sum > 0 ? count / (sum * sum) : 0;
  for (double& value : x) value = sum > 0 ? 2 * scale * (value - squares / sum) : 0;
  return sum > 0 ? scale * squares - 1 : 0;
}

}  // namespace hotexpert::training
