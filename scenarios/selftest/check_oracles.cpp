#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/selftest/self_check.hpp"
#include "sim/base/statistics.hpp"
#include "sim/metrics/binomial.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

constexpr double kStandardErrors = 5;

SelfCheckAnswer within_error(std::string what, const std::vector<double>& samples,
                             double expected) {
  const double error = std::sqrt(variance(samples) / static_cast<double>(samples.size()));
  return {.what = std::move(what),
          .found = mean(samples),
          .expected = expected,
          .tolerance = kStandardErrors * error,
          .note = "tolerance: 5 standard errors"};
}

}  // namespace

std::vector<SelfCheckAnswer> check_binomial_drops() {
  // E[(L - C)+] / (k T / E) of L ~ Bin(T, k/E), summed elsewhere with 50 digits.
  return {{.what = "E = 64, k = 2, T = 4096, C = 128",
           .found = expected_drop_fraction(4096, 64, 2, 128),
           .expected = 0.03468389880997,
           .tolerance = 1e-13},
          {.what = "E = 256, k = 8, T = 1024, C = 32",
           .found = expected_drop_fraction(1024, 256, 8, 32),
           .expected = 0.0692,
           .tolerance = 5e-5}};
}

std::vector<SelfCheckAnswer> check_uniform_router() {
  SyntheticSpec spec;
  spec.num_experts = 64;
  spec.top_k = 4;
  spec.tokens = 1024;
  spec.steps = 200;
  spec.weights = false;
  const auto trace = make_synthetic_trace(spec);
  constexpr std::int64_t capacity = 70;  // a little above the mean of 64
  std::vector<double> dropped;
  std::vector<double> squared_cv;
  BatchBuffer buffer;
  std::vector<std::int64_t> load(64);
  for (std::int64_t step = 0; step < spec.steps; ++step) {
    std::fill(load.begin(), load.end(), 0);
    count_load(trace->read(step, 0, buffer), load);
    double over = 0;
    for (const auto count : load)
      over += static_cast<double>(std::max<std::int64_t>(0, count - capacity));
    dropped.push_back(over / (1024.0 * 4));
    squared_cv.push_back(std::pow(load_cv(load), 2));
  }
  return {within_error("sampled drops at C = 70 against the binomial formula", dropped,
                       expected_drop_fraction(1024, 64, 4, capacity)),
          // Var L = T k/E (1 - k/E); over the mean squared: (E - k) / (T k).
          within_error("CV^2 of loads against (E - k) / (T k)", squared_cv, 60.0 / (1024 * 4))};
}

}  // namespace hotexpert
