#include "sim/base/math.hpp"
#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {

std::vector<double> zipf_popularity(int num_experts, double exponent) {
  std::vector<double> popularity;
  for (int rank = 1; rank <= num_experts; ++rank) {
    popularity.push_back(portable_exp(-exponent * portable_log(rank)));
  }
  return popularity;
}

/// Popularity of the r-th hottest expert, from 1: r^-exponent.
Model make_zipf(const NamedChoice& choice, const SkewContext& context) {
  return std::make_unique<FixedPopularity>(std::vector<std::vector<double>>{
      zipf_popularity(context.num_experts, choice.get("exponent"))});
}

}  // namespace hotexpert::skew
