#include "sim/metrics/plackett_luce.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

/// The integrand at one time, for every expert.
class ClockRace {
 public:
  ClockRace(std::vector<double> rates, int top_k)
      : rates_(std::move(rates)), top_k_(static_cast<std::size_t>(top_k)), silent_(rates_.size()) {}

  [[nodiscard]] const std::vector<double>& rates() const { return rates_; }

  /// Adds scale * rate_i * e^(-rate_i t) * P(fewer than k others rang by t) to `sums`; returns the
  /// largest addend.
  double add(double t, double scale, std::vector<double>& sums) {
    for (std::size_t i = 0; i < rates_.size(); ++i) silent_[i] = std::exp(-rates_[i] * t);
    std::vector<double> nobody(top_k_, 0.0);
    nobody[0] = 1.0;
    largest_ = 0;
    t_ = t;
    scale_ = scale;
    leave_one_out(0, rates_.size(), nobody, sums);
    return largest_;
  }

 private:
  /// `outside` [k]: probability that j of the clocks outside [begin, end) rang. Halving the segment
  /// and adding the other half's clocks gives each expert the law of all others without a division.
  void leave_one_out(std::size_t begin, std::size_t end, const std::vector<double>& outside,
                     std::vector<double>& sums) {
    if (end - begin == 1) {
      const double fewer = std::accumulate(outside.begin(), outside.end(), 0.0);
      const double term = scale_ * rates_[begin] * t_ * silent_[begin] * fewer;
      sums[begin] += term;
      largest_ = std::max(largest_, term);
      return;
    }
    const std::size_t middle = begin + (end - begin) / 2;
    leave_one_out(begin, middle, with_clocks(outside, middle, end), sums);
    leave_one_out(middle, end, with_clocks(outside, begin, middle), sums);
  }

  [[nodiscard]] std::vector<double> with_clocks(std::vector<double> law, std::size_t begin,
                                                std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      const double silent = silent_[i];
      const double rang = 1.0 - silent;
      for (std::size_t j = top_k_ - 1; j > 0; --j) law[j] = law[j] * silent + law[j - 1] * rang;
      law[0] *= silent;
    }
    return law;
  }

  std::vector<double> rates_;
  std::size_t top_k_;
  std::vector<double> silent_;
  double t_ = 0;
  double scale_ = 0;
  double largest_ = 0;
};

/// Time by which k clocks have rung on average.
double typical_time(const std::vector<double>& rates, int top_k) {
  double low = -800;  // logarithms of times
  double high = 800;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    double rung = 0;
    for (const double rate : rates) rung -= std::expm1(-rate * std::exp(middle));
    (rung < top_k ? low : high) = middle;
  }
  return std::exp(low);
}

/// The integral by the trapezoidal rule in v, t = typical * exp(v - e^(-v)): both ends fall doubly
/// exponentially, so that halving the step squares the error.
std::vector<double> integrate(ClockRace& race, double typical) {
  constexpr double kLeft = -4.8;  // t below 1e-54 of the typical time
  constexpr double kNegligible = 1e-20;
  constexpr double kSettled = 1e-14;
  constexpr int kFinestLevel = 9;
  const std::size_t n = race.rates().size();
  std::vector<double> sums(n, 0.0);
  std::vector<double> result(n, 0.0);
  double step = 0.25;
  for (int level = 0; level <= kFinestLevel; ++level, step /= 2) {
    // The first level takes every node, each later one those halfway between the earlier.
    const double stride = level == 0 ? step : 2 * step;
    for (double v = kLeft + (level == 0 ? 0.0 : step);; v += stride) {
      const double inverse = std::exp(-v);
      const double t = typical * std::exp(v - inverse);
      if (race.add(t, 1 + inverse, sums) < kNegligible && v > 0) break;
    }
    double moved = 0;
    for (std::size_t i = 0; i < n; ++i) {
      moved = std::max(moved, std::abs(sums[i] * step - result[i]));
      result[i] = sums[i] * step;
    }
    if (moved < kSettled) break;
  }
  return result;
}

void check(std::span<const double> popularity, int top_k) {
  std::int64_t positive = 0;
  for (const double weight : popularity) {
    if (!(weight >= 0) || !std::isfinite(weight)) {
      throw UsageError(fmt::format("popularity: {} is not a finite weight of 0 or more", weight));
    }
    positive += weight > 0 ? 1 : 0;
  }
  if (top_k < 1 || positive < top_k) {
    throw UsageError(fmt::format(
        "layer.top_k: {} experts a token cannot be drawn where {} have a popularity above 0", top_k,
        positive));
  }
}

}  // namespace

std::vector<double> plackett_luce_inclusion(std::span<const double> popularity, int top_k) {
  check(popularity, top_k);
  const double sum = std::accumulate(popularity.begin(), popularity.end(), 0.0);
  std::vector<std::size_t> drawable;
  std::vector<double> rates;
  for (std::size_t i = 0; i < popularity.size(); ++i) {
    if (popularity[i] == 0) continue;
    drawable.push_back(i);
    rates.push_back(popularity[i] / sum);
  }
  std::vector<double> inclusion(popularity.size(), 0.0);
  if (drawable.size() == static_cast<std::size_t>(top_k)) {
    for (const auto i : drawable) inclusion[i] = 1.0;
    return inclusion;
  }
  const double typical = typical_time(rates, top_k);
  ClockRace race(std::move(rates), top_k);
  const auto probabilities = integrate(race, typical);
  for (std::size_t i = 0; i < drawable.size(); ++i) {
    inclusion[drawable[i]] = std::min(1.0, probabilities[i]);
  }
  return inclusion;
}

}  // namespace hotexpert
