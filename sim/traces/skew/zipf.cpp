#include "sim/base/math.hpp"
#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {

/// Popularity of the r-th hottest expert, from 1: r^-exponent.
Model make_zipf(const NamedChoice& choice, const SkewContext& context) {
  const double exponent = choice.get("exponent");
  std::vector<double> popularity;
  for (int rank = 1; rank <= context.num_experts; ++rank) {
    popularity.push_back(portable_exp(-exponent * portable_log(rank)));
  }
  return std::make_unique<FixedPopularity>(std::vector<std::vector<double>>{popularity});
}

}  // namespace hotexpert::skew
