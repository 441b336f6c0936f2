#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {

Model make_uniform(const NamedChoice&, const SkewContext& context) {
  return std::make_unique<FixedPopularity>(std::vector<std::vector<double>>{
      std::vector<double>(static_cast<std::size_t>(context.num_experts), 1.0)});
}

}  // namespace hotexpert::skew
