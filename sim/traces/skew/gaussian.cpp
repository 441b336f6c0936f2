#include "sim/base/math.hpp"
#include "sim/base/random.hpp"
#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {

double normal_bias(std::uint64_t seed, int layer, std::int64_t regime, int expert) {
  const RandomKey key{seed, RandomPurpose::kPopularity, static_cast<std::uint32_t>(regime),
                      static_cast<std::uint32_t>(layer)};
  return RandomStream(key, static_cast<std::uint32_t>(expert)).normal();
}

/// Each expert of each layer has a normal bias on its logit: popularity exp(sigma * N(0, 1)).
Model make_gaussian(const NamedChoice& choice, const SkewContext& context) {
  const double sigma = choice.get("sigma");
  std::vector<std::vector<double>> by_layer;
  for (int layer = 0; layer < context.layers; ++layer) {
    auto& popularity = by_layer.emplace_back();
    for (int expert = 0; expert < context.num_experts; ++expert) {
      popularity.push_back(portable_exp(sigma * normal_bias(context.seed, layer, 0, expert)));
    }
  }
  return std::make_unique<FixedPopularity>(std::move(by_layer));
}

}  // namespace hotexpert::skew
