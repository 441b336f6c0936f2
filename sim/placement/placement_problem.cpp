#include "sim/placement/placement_problem.hpp"

#include <fmt/format.h>

#include <cmath>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr int kMaxRanks = 4096;

void validate_target(const PlacementTarget& target, int num_experts) {
  if (target.ranks < 1 || target.ranks > kMaxRanks) {
    throw UsageError(fmt::format("ep.ranks: {} is outside 1 to {}", target.ranks, kMaxRanks));
  }
  const int slots = target.slot_count(num_experts);
  if (slots < num_experts || slots > kMaxExperts) {
    throw UsageError(
        fmt::format("placement.slots: {} slots are outside {} (one for each expert) to {}", slots,
                    num_experts, kMaxExperts));
  }
  if (target.ranks > slots) {
    throw UsageError(
        fmt::format("ep.ranks: {} ranks cannot each hold one of {} slots; raise "
                    "placement.slots or lower ep.ranks",
                    target.ranks, slots));
  }
  if (target.nodes < 1 || target.ranks % target.nodes != 0) {
    throw UsageError(fmt::format("ep.nodes: {} nodes do not divide {} ranks into equal nodes",
                                 target.nodes, target.ranks));
  }
  if (target.groups < 1 || num_experts % target.groups != 0) {
    throw UsageError(
        fmt::format("placement.groups: {} groups do not divide {} experts into equal groups",
                    target.groups, num_experts));
  }
  if (!target.rank_speed.empty() &&
      target.rank_speed.size() != static_cast<std::size_t>(target.ranks)) {
    throw UsageError(fmt::format("ep.speeds: {} factors for {} ranks; give one each",
                                 target.rank_speed.size(), target.ranks));
  }
  for (const double speed : target.rank_speed) {
    if (!(speed > 0) || !std::isfinite(speed)) {
      throw UsageError(fmt::format("ep.speeds: {} is not a positive number", speed));
    }
  }
}

std::vector<std::int32_t> copies_by_slot(const ExpertPlacement& placement) {
  std::vector<std::int32_t> number(static_cast<std::size_t>(placement.num_physical()));
  for (int e = 0; e < placement.num_experts(); ++e) {
    std::int32_t next = 0;
    for (const auto slot : placement.replicas(static_cast<LogicalExpert>(e))) {
      number[static_cast<std::size_t>(index(slot))] = next++;
    }
  }
  return number;
}

}  // namespace

void validate(const PlacementProblem& problem) {
  if (problem.load.empty()) throw InputError("placement: there are no experts to place");
  validate_target(problem.target, problem.num_experts());
  for (std::size_t e = 0; e < problem.load.size(); ++e) {
    if (!(problem.load[e] >= 0) || !std::isfinite(problem.load[e])) {
      throw InputError(
          fmt::format("placement: the load of expert {} in layer {} is {}; loads are "
                      "numbers of rows, 0 or more",
                      e, problem.layer, problem.load[e]));
    }
  }
  const std::size_t experts = problem.load.size();
  if (!problem.coactivation.empty() && problem.coactivation.size() != experts * experts) {
    throw InputError(fmt::format("placement: {} co-activation counts for {} experts; give {}",
                                 problem.coactivation.size(), experts, experts * experts));
  }
}

std::vector<Rank> ranks_of_slots(int slots, int ranks) {
  std::vector<Rank> rank_of_slot;
  rank_of_slot.reserve(static_cast<std::size_t>(slots));
  for (int rank = 0; rank < ranks; ++rank) {
    const int held = slots / ranks + (rank < slots % ranks ? 1 : 0);
    rank_of_slot.insert(rank_of_slot.end(), static_cast<std::size_t>(held),
                        static_cast<Rank>(rank));
  }
  return rank_of_slot;
}

PlacedLayer::PlacedLayer(ExpertPlacement placed)
    : placement(std::move(placed)), copy_number(copies_by_slot(placement)) {}

PlacedLayer::PlacedLayer(ExpertPlacement placed, std::vector<std::int32_t> copies, bool groups_kept)
    : placement(std::move(placed)),
      copy_number(std::move(copies)),
      groups_kept_on_nodes(groups_kept) {}

PlacedLayer place_in_order(const PlacementProblem& problem,
                           std::vector<LogicalExpert> slot_expert) {
  auto rank_of_slot = ranks_of_slots(problem.slots(), problem.target.ranks);
  return PlacedLayer(ExpertPlacement(problem.num_experts(), problem.target.ranks,
                                     std::move(slot_expert), std::move(rank_of_slot)));
}

}  // namespace hotexpert
