#include "sim/placement/methods.hpp"

namespace hotexpert {

PlacedLayer place_strided(const PlacementProblem& problem, const NamedChoice& /*choice*/) {
  const int ranks = problem.target.ranks;
  std::vector<LogicalExpert> slot_expert;
  for (int rank = 0; rank < ranks; ++rank) {
    for (int dealt = rank; dealt < problem.slots(); dealt += ranks) {
      slot_expert.push_back(static_cast<LogicalExpert>(dealt % problem.num_experts()));
    }
  }
  return place_in_order(problem, std::move(slot_expert));
}

}  // namespace hotexpert
