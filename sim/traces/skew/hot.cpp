#include <fmt/format.h>

#include "sim/base/errors.hpp"
#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {

/// `experts` hot experts split `share` of the popularity equally; the others split the rest.
Model make_hot(const NamedChoice& choice, const SkewContext& context) {
  const std::int64_t hot = choice.get_integer("experts");
  const double share = choice.get("share");
  if (hot >= context.num_experts) {
    throw UsageError(fmt::format(
        "skew.model: hot:experts={} must be below the layer's {} experts, so that others remain",
        hot, context.num_experts));
  }
  const auto cold = static_cast<double>(context.num_experts - hot);
  std::vector<double> popularity(static_cast<std::size_t>(context.num_experts),
                                 (1.0 - share) / cold);
  for (std::size_t e = 0; e < static_cast<std::size_t>(hot); ++e) {
    popularity[e] = share / static_cast<double>(hot);
  }
  return std::make_unique<FixedPopularity>(std::vector<std::vector<double>>{popularity});
}

}  // namespace hotexpert::skew
