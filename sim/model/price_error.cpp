#include "sim/model/price_error.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace hotexpert {
namespace {

constexpr double kLevel = 0.95;
constexpr double kLeastSkewRatio = 1.4;  // below, noise over a small distance
constexpr double kLargestStep =
    2;  // of ln constant: beyond, the law is far from where it was fitted
constexpr std::size_t kConformalFrom = 19;  // below, the rank would lie beyond the largest error

}  // namespace

std::optional<double> elasticity_error95(const std::vector<SkewPair>& pairs) {
  std::vector<double> error;
  for (const SkewPair& pair : pairs) {
    const double distance = std::abs(std::log(pair.skew_ratio));
    if (!(distance >= std::log(kLeastSkewRatio))) continue;
    error.push_back(std::abs(std::log(pair.predicted_ratio / pair.measured_ratio)) / distance);
  }
  if (error.empty()) return std::nullopt;
  const auto n = static_cast<double>(error.size());
  if (error.size() >= kConformalFrom) {
    std::sort(error.begin(), error.end());
    return error[static_cast<std::size_t>(std::ceil(kLevel * (n + 1))) - 1];
  }
  double squares = 0;
  for (const double e : error) squares += e * e;
  return boost::math::quantile(boost::math::students_t(n), (1 + kLevel) / 2) *
         std::sqrt(squares / n);
}

std::optional<double> slope_error95(const DeviceDescription& device, double seconds,
                                    double sampling,
                                    const std::function<double(const DeviceDescription&)>& slope) {
  if (!(device.held_out_elasticity_error > 0)) return std::nullopt;
  const double law = device.held_out_elasticity_error * seconds / 100;
  double squares = law * law + sampling * sampling;
  for (const auto& row : cost_constants()) {
    const double half_width = std::min(kLargestStep, device.uncertainty.*row.member);
    if (!(half_width > 0)) continue;
    DeviceDescription low = device;
    DeviceDescription high = device;
    low.constants.*row.member *= std::exp(-half_width);
    high.constants.*row.member *= std::exp(half_width);
    const double half_change = (slope(high) - slope(low)) / 2;
    squares += half_change * half_change;
  }
  return std::sqrt(squares);
}

std::optional<double> ratio_factor95(const DeviceDescription& device, double skew_ratio) {
  if (!(device.held_out_elasticity_error > 0)) return std::nullopt;
  return std::pow(std::max(1.0, skew_ratio), device.held_out_elasticity_error);
}

}  // namespace hotexpert
