#include "sim/placement/placement_score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/base/index.hpp"
#include "sim/placement/lower_bound.hpp"

namespace hotexpert {
namespace {

double share(const ExpertPlacement& placement, std::span<const double> load, LogicalExpert expert) {
  return load[at(index(expert))] / static_cast<double>(placement.replicas(expert).size());
}

/// Rows outside each group's home node.
double stray_rows(const ExpertPlacement& placement, std::span<const double> load,
                  const PlacementTarget& target) {
  const std::size_t nodes = at(target.nodes);
  const std::size_t group_size = load.size() / at(target.groups);
  std::vector<double> served(at(target.groups) * nodes, 0.0);  // [groups, nodes]
  for (std::size_t slot = 0; slot < at(placement.num_physical()); ++slot) {
    const auto expert = placement.physical_to_logical()[slot];
    const std::size_t node =
        at(index(placement.physical_to_rank()[slot]) / target.ranks_per_node());
    served[at(index(expert)) / group_size * nodes + node] += share(placement, load, expert);
  }
  double stray = 0;
  for (std::size_t g = 0; g < at(target.groups); ++g) {
    const auto by_node = std::span(served).subspan(g * nodes, nodes);
    const auto home = std::max_element(by_node.begin(), by_node.end());
    for (auto node = by_node.begin(); node != by_node.end(); ++node) {
      if (node != home) stray += *node;
    }
  }
  return stray;
}

double pairs_on_one_rank(const ExpertPlacement& placement, std::span<const double> coactivation) {
  const std::size_t experts = at(placement.num_experts());
  const auto logical = placement.physical_to_logical();
  const auto rank = placement.physical_to_rank();
  const auto copies = [&](std::size_t slot) {
    return static_cast<double>(placement.replicas(logical[slot]).size());
  };
  std::vector<std::vector<std::size_t>> slots_of_rank(at(placement.num_ranks()));
  for (std::size_t slot = 0; slot < rank.size(); ++slot) {
    slots_of_rank[at(index(rank[slot]))].push_back(slot);
  }
  double pairs = 0;
  for (const auto& slots : slots_of_rank) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (logical[slots[i]] == logical[slots[j]]) continue;
        pairs +=
            coactivation[at(index(logical[slots[i]])) * experts + at(index(logical[slots[j]]))] /
            (copies(slots[i]) * copies(slots[j]));
      }
    }
  }
  return pairs;
}

}  // namespace

void rank_loads(const ExpertPlacement& placement, std::span<const double> load,
                std::vector<double>& rank_load) {
  rank_load.assign(at(placement.num_ranks()), 0.0);
  const auto logical = placement.physical_to_logical();
  const auto rank = placement.physical_to_rank();
  for (std::size_t slot = 0; slot < logical.size(); ++slot) {
    rank_load[at(index(rank[slot]))] += share(placement, load, logical[slot]);
  }
}

PlacementScore score_placement(const ExpertPlacement& placement, std::span<const double> load,
                               const PlacementTarget& target,
                               std::span<const double> coactivation) {
  if (load.size() != at(placement.num_experts())) {
    throw UsageError(fmt::format("placement: {} loads for a placement of {} experts", load.size(),
                                 placement.num_experts()));
  }
  PlacementScore score;
  rank_loads(placement, load, score.rank_load);
  for (int rank = 0; rank < target.ranks; ++rank) {
    const double scaled = score.rank_load[at(rank)] / target.speed(rank);
    if (scaled > score.slowest_load) {
      score.slowest_load = scaled;
      score.slowest_rank = rank;
    }
  }
  const double total = std::accumulate(score.rank_load.begin(), score.rank_load.end(), 0.0);
  if (total > 0) {
    score.max_over_mean =
        *std::max_element(score.rank_load.begin(), score.rank_load.end()) * target.ranks / total;
  }
  if (target.groups > 1) score.cross_node_rows = stray_rows(placement, load, target);
  if (!coactivation.empty()) score.colocated_pairs = pairs_on_one_rank(placement, coactivation);
  return score;
}

Certificate certify(const PlacedLayer& layer, std::span<const double> load,
                    const PlacementTarget& target) {
  Certificate out;
  out.slowest_load = score_placement(layer.placement, load, target).slowest_load;
  out.lower_bound_any = placement_lower_bound(load, target);
  out.lower_bound =
      layer.groups_kept_on_nodes ? grouped_lower_bound(load, target) : out.lower_bound_any;
  if (out.lower_bound > 0) out.ratio = std::max(1.0, out.slowest_load / out.lower_bound);
  return out;
}

}  // namespace hotexpert
