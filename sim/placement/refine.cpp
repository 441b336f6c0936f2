#include "sim/placement/refine.hpp"

#include <algorithm>

#include "sim/base/index.hpp"
#include "sim/placement/eplb.hpp"
#include "sim/placement/lower_bound.hpp"
#include "sim/placement/methods.hpp"
#include "sim/placement/placement_score.hpp"
#include "sim/placement/refine_search.hpp"

namespace hotexpert {
namespace {

struct RefineOptions {
  bool span = false;
  double gap = 0;
  int trials = 0;
};

/// The node of each group in a placement that keeps groups together; empty where groups do not
/// divide over nodes.
std::vector<std::int32_t> homes_of_groups(const PlacementProblem& problem,
                                          const std::vector<std::int32_t>& slot_expert) {
  const auto& target = problem.target;
  if (!target.groups_divide_over_nodes()) return {};
  std::vector<std::int32_t> home(at(target.groups), 0);
  const int group_size = problem.num_experts() / target.groups;
  const int slots_per_node = problem.slots() / target.nodes;
  for (std::int32_t slot = 0; slot < problem.slots(); ++slot) {
    home[at(slot_expert[at(slot)] / group_size)] = slot / slots_per_node;
  }
  return home;
}

/// Fills a node anew with eplb's placement of the groups dealt to it.
void place_on_node(const PlacementProblem& problem, const std::vector<std::int32_t>& deal, int node,
                   std::vector<std::int32_t>& slot_expert) {
  const auto& target = problem.target;
  const int group_size = problem.num_experts() / target.groups;
  std::vector<std::int32_t> experts;
  std::vector<double> load;
  for (int e = 0; e < problem.num_experts(); ++e) {
    if (deal[at(e / group_size)] != node) continue;
    experts.push_back(e);
    load.push_back(problem.load[at(e)]);
  }
  const int slots_per_node = problem.slots() / target.nodes;
  const auto placed =
      eplb(load, PlacementTarget{.ranks = target.ranks_per_node(), .slots = slots_per_node});
  for (std::int32_t slot = 0; slot < slots_per_node; ++slot) {
    slot_expert[at(node * slots_per_node + slot)] =
        experts[at(placed.physical_to_logical[at(slot)])];
  }
}

PlacedLayer as_layer(const PlacementProblem& problem, const std::vector<std::int32_t>& slot_expert,
                     bool groups_kept) {
  std::vector<LogicalExpert> experts;
  for (const auto expert : slot_expert) experts.push_back(static_cast<LogicalExpert>(expert));
  auto layer = place_in_order(problem, std::move(experts));
  layer.groups_kept_on_nodes = groups_kept;
  return layer;
}

double slowest_load(const PlacementProblem& problem, const PlacedLayer& layer) {
  return score_placement(layer.placement, problem.load, problem.target).slowest_load;
}

RandomStream kicks(const PlacementProblem& problem, int node) {
  return {RandomKey{.seed = problem.seed,
                    .purpose = RandomPurpose::kPlacement,
                    .step = 1,  // step 0 belongs to the method `random`
                    .layer = problem.layer},
          static_cast<std::uint32_t>(node)};
}

/// Every group on one node: deal the groups again, then search each node for itself.
void refine_within_nodes(const PlacementProblem& problem, const RefineOptions& options,
                         std::vector<std::int32_t>& slot_expert) {
  const auto& target = problem.target;
  const auto eplb_deal = homes_of_groups(problem, slot_expert);
  const auto deal = deal_groups(problem, eplb_deal);
  const double goal = grouped_lower_bound(problem.load, target) * (1 + options.gap);
  for (int node = 0; node < target.nodes; ++node) {
    const bool dealt_anew = !std::equal(deal.begin(), deal.end(), eplb_deal.begin(),
                                        [&](auto a, auto b) { return (a == node) == (b == node); });
    if (dealt_anew) place_on_node(problem, deal, node, slot_expert);
    improve_ranks(problem, node * target.ranks_per_node(), target.ranks_per_node(),
                  {goal, options.trials}, kicks(problem, node), slot_expert);
  }
}

}  // namespace

PlacedLayer place_refine(const PlacementProblem& problem, const NamedChoice& choice) {
  const RefineOptions options{choice.get_word("span") == "yes", choice.get("gap"),
                              static_cast<int>(choice.get_integer("trials"))};
  const auto& target = problem.target;
  auto from_eplb = place_eplb(problem, choice);
  std::vector<std::int32_t> slot_expert;
  for (const auto expert : from_eplb.placement.physical_to_logical()) {
    slot_expert.push_back(index(expert));
  }
  const bool within_nodes = target.groups_divide_over_nodes() && !options.span;
  from_eplb.groups_kept_on_nodes = within_nodes;
  auto group_home = homes_of_groups(problem, slot_expert);
  if (within_nodes) {
    refine_within_nodes(problem, options, slot_expert);
    group_home = homes_of_groups(problem, slot_expert);
  } else {
    const double goal = placement_lower_bound(problem.load, target) * (1 + options.gap);
    improve_ranks(problem, 0, target.ranks, {goal, options.trials}, kicks(problem, 0), slot_expert);
  }
  const double eplb_slowest = slowest_load(problem, from_eplb);
  auto searched = as_layer(problem, slot_expert, within_nodes);
  const double limit = std::min(slowest_load(problem, searched), eplb_slowest);
  gather_copies(problem, group_home, !within_nodes, limit, slot_expert);
  auto gathered = as_layer(problem, slot_expert, within_nodes);
  return slowest_load(problem, gathered) <= eplb_slowest ? std::move(gathered)
                                                         : std::move(from_eplb);
}

}  // namespace hotexpert
