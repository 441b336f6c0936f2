#include "sim/placement/methods.hpp"

namespace hotexpert {

PlacedLayer place_contiguous(const PlacementProblem& problem, const NamedChoice& /*choice*/) {
  std::vector<LogicalExpert> slot_expert;
  for (int slot = 0; slot < problem.slots(); ++slot) {
    slot_expert.push_back(static_cast<LogicalExpert>(slot % problem.num_experts()));
  }
  return place_in_order(problem, std::move(slot_expert));
}

}  // namespace hotexpert
