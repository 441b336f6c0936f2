#include "sim/routing/policies/probs.hpp"

#include <vector>

#include "sim/routing/policies/keep_best.hpp"

namespace hotexpert {

void keep_by_weight(const DropScope& scope, const NamedChoice&, KeptAssignments& kept) {
  std::vector<std::uint64_t> ranks;
  ranks.reserve(weights_of(scope).size());
  for (const float weight : weights_of(scope)) ranks.push_back(falling_rank(weight));
  keep_best(scope, ranks, kept);
}

}  // namespace hotexpert
