#include "sim/base/math.hpp"
#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {

/// Popularity at E evenly spaced quantiles of the log-normal law, exp(sigma * z_((i + 1/2) / E)):
/// the shape `gaussian` has on average, without the luck of its draws, equal in every layer.
Model make_lognormal(const NamedChoice& choice, const SkewContext& context) {
  const double sigma = choice.get("sigma");
  std::vector<double> popularity;
  for (int i = 0; i < context.num_experts; ++i) {
    const double z = portable_normal_quantile((i + 0.5) / context.num_experts);
    popularity.push_back(portable_exp(sigma * z));
  }
  return std::make_unique<FixedPopularity>(std::vector<std::vector<double>>{popularity});
}

}  // namespace hotexpert::skew
