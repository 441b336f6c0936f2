#include <utility>

#include "sim/base/random.hpp"
#include "sim/placement/methods.hpp"

namespace hotexpert {
namespace {

void shuffle(std::vector<LogicalExpert>& experts, RandomStream& stream) {
  for (auto left = experts.size(); left > 1; --left) {
    std::swap(experts[left - 1], experts[stream.below(static_cast<std::uint32_t>(left))]);
  }
}

}  // namespace

PlacedLayer place_random(const PlacementProblem& problem, const NamedChoice& /*choice*/) {
  const RandomKey key{
      .seed = problem.seed, .purpose = RandomPurpose::kPlacement, .layer = problem.layer};
  RandomStream stream(key, 0);
  std::vector<LogicalExpert> order;
  for (int e = 0; e < problem.num_experts(); ++e) order.push_back(static_cast<LogicalExpert>(e));
  shuffle(order, stream);  // which experts get the extra slots

  std::vector<LogicalExpert> slot_expert;
  for (std::size_t slot = 0; slot < static_cast<std::size_t>(problem.slots()); ++slot) {
    slot_expert.push_back(order[slot % order.size()]);
  }
  shuffle(slot_expert, stream);
  return place_in_order(problem, std::move(slot_expert));
}

}  // namespace hotexpert
