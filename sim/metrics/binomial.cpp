#include "sim/metrics/binomial.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace hotexpert {
namespace {

using Real = long double;

/// ln(n!) minus Stirling's formula: the series of Bernoulli numbers for n >= 16, by definition
/// below.
Real stirling_error(std::int64_t n) {
  if (n < 16) {
    Real log_factorial = 0;
    for (std::int64_t i = 2; i <= n; ++i) log_factorial += std::log(static_cast<Real>(i));
    const auto x = static_cast<Real>(n);
    return log_factorial - (x + 0.5L) * std::log(x) + x -
           0.5L * std::log(2 * std::numbers::pi_v<Real>);
  }
  const Real x = 1.0L / static_cast<Real>(n);
  const Real x2 = x * x;
  constexpr Real kSeries[] = {1.0L / 12,    -1.0L / 360,       1.0L / 1260,
                              -1.0L / 1680, 1.0L / 1188,       -691.0L / 360360,
                              1.0L / 156,   -3617.0L / 122400, 43867.0L / 244188};
  Real sum = 0;
  for (auto term = std::end(kSeries); term != std::begin(kSeries);) sum = sum * x2 + *--term;
  return sum * x;
}

/// x ln(x / m) + m - x >= 0 without cancellation near x = m.
Real deviance(Real x, Real m) {
  const Real v = (x - m) / (x + m);
  if (std::abs(v) > 0.1L) return x * std::log(x / m) + m - x;
  // ln(x/m) = 2 (v + v^3/3 + v^5/5 + ...)
  Real sum = (x - m) * v;
  Real power = 2 * x * v;
  for (int j = 3;; j += 2) {
    power *= v * v;
    const Real next = sum + power / static_cast<Real>(j);
    if (next == sum) return next;
    sum = next;
  }
}

/// Sum over j = 1, 2, ... of j * P(L = from + step * j), outwards from the mean, so that the terms
/// fall in the end. `step` is +1 or -1.
Real weighted_tail(std::int64_t n, Real p, std::int64_t from, int step) {
  std::int64_t x = from + step;
  Real probability = binomial_probability(n, p, x);
  const Real odds = p / (1 - p);
  Real sum = 0;
  for (Real j = 1; x >= 0 && x <= n && probability > 0; j += 1) {
    const Real term = j * probability;
    sum += term;
    if (term < sum * 1e-26L) break;
    const auto at = static_cast<Real>(x);
    const auto rest = static_cast<Real>(n - x);
    probability *= step > 0 ? rest / (at + 1) * odds : at / ((rest + 1) * odds);
    x += step;
  }
  return sum;
}

}  // namespace

long double binomial_probability(std::int64_t n, long double p, std::int64_t x) {
  if (x < 0 || x > n) return 0;
  if (p <= 0) return x == 0 ? 1 : 0;
  if (p >= 1) return x == n ? 1 : 0;
  const auto count = static_cast<Real>(n);
  if (x == 0) return std::exp(count * std::log1p(-p));
  if (x == n) return std::exp(count * std::log(p));
  const auto hits = static_cast<Real>(x);
  const auto misses = static_cast<Real>(n - x);
  const Real exponent = stirling_error(n) - stirling_error(x) - stirling_error(n - x) -
                        deviance(hits, count * p) - deviance(misses, count * (1 - p));
  return std::exp(exponent) * std::sqrt(count / (2 * std::numbers::pi_v<Real> * hits * misses));
}

double expected_binomial_excess(std::int64_t n, long double p, std::int64_t capacity) {
  if (n < 0 || capacity < 0 || !(p >= 0 && p <= 1)) {
    throw std::invalid_argument(
        fmt::format("expected_binomial_excess: n = {}, p = {}, capacity = {} is outside n >= 0, p "
                    "in [0, 1], capacity >= 0",
                    n, static_cast<double>(p), capacity));
  }
  if (capacity >= n || p == 0) return 0;
  if (p == 1) return static_cast<double>(n - capacity);
  const Real mean = static_cast<Real>(n) * p;
  const auto room = static_cast<Real>(capacity);
  if (room >= mean) return static_cast<double>(weighted_tail(n, p, capacity, +1));
  // E[(L - C)+] = E[L] - C + E[(C - L)+]
  return static_cast<double>(mean - room + weighted_tail(n, p, capacity, -1));
}

double expected_drop_fraction(std::int64_t tokens, int num_experts, int top_k,
                              std::int64_t capacity) {
  if (tokens == 0) return 0;
  const Real p = static_cast<Real>(top_k) / static_cast<Real>(num_experts);
  const auto excess = static_cast<Real>(expected_binomial_excess(tokens, p, capacity));
  return static_cast<double>(excess / (static_cast<Real>(tokens) * p));
}

double expected_drop_fraction(std::int64_t tokens, std::span<const double> inclusion,
                              std::int64_t capacity) {
  Real excess = 0;
  Real chosen = 0;
  for (const double probability : inclusion) {
    const auto p = static_cast<Real>(probability);
    excess += static_cast<Real>(expected_binomial_excess(tokens, p, capacity));
    chosen += p;
  }
  return tokens == 0 || chosen == 0
             ? 0.0
             : static_cast<double>(excess / (static_cast<Real>(tokens) * chosen));
}

}  // namespace hotexpert
