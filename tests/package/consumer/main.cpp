// A program outside the project: counts loads and compares samples with the installed libraries.
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "reports/gate/gate.hpp"
#include "sim/metrics/binomial.hpp"
#include "sim/metrics/load_metrics.hpp"

int main() {
  const std::array<std::int64_t, 4> load = {6, 1, 1, 0};
  const bool skew = hotexpert::max_over_mean(load) == 3;
  const bool floor =
      std::fabs(hotexpert::expected_drop_fraction(4096, 64, 2, 128) - 0.0346839) < 1e-6;
  const std::vector<double> fast(10, 1.0);
  const std::vector<double> slow(10, 2.0);
  const bool gate = hotexpert::compare_samples(fast, slow, true).ratio == 2;
  std::printf("max/mean %d, floor %d, gate %d\n", skew, floor, gate);
  return skew && floor && gate ? 0 : 1;
}
