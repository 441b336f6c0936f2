#include <algorithm>
#include <cmath>

#include "sim/base/math.hpp"
#include "sim/base/random.hpp"
#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {
namespace {

/// ln of a Gamma(shape, 1) draw, shape >= 1 (Marsaglia and Tsang 2000).
double log_gamma_draw(double shape, RandomStream& stream) {
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = stream.normal();
    const double v = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
    const double u = stream.uniform();
    if (v > 0 && portable_log(u) < 0.5 * x * x + d - d * v + d * portable_log(v)) {
      return portable_log(d) + portable_log(v);
    }
  }
}

}  // namespace

/// Popularity of a layer ~ Dirichlet(concentration, …): normalised Gamma draws. In logarithms, for
/// small concentrations give draws below the smallest double: Gamma(a) = Gamma(a + 1) U^(1/a).
Model make_dirichlet(const NamedChoice& choice, const SkewContext& context) {
  const double concentration = choice.get("concentration");
  std::vector<std::vector<double>> by_layer;
  for (int layer = 0; layer < context.layers; ++layer) {
    const RandomKey key{context.seed, RandomPurpose::kPopularity, 0,
                        static_cast<std::uint32_t>(layer)};
    std::vector<double> logs;
    for (int expert = 0; expert < context.num_experts; ++expert) {
      RandomStream stream(key, static_cast<std::uint32_t>(expert));
      const double boost = portable_log(stream.uniform()) / concentration;
      logs.push_back(log_gamma_draw(concentration + 1.0, stream) + boost);
    }
    const double largest = *std::max_element(logs.begin(), logs.end());
    for (double& value : logs) value = portable_exp(value - largest);
    by_layer.push_back(std::move(logs));
  }
  return std::make_unique<FixedPopularity>(std::move(by_layer));
}

}  // namespace hotexpert::skew
