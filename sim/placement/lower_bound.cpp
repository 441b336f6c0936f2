#include "sim/placement/lower_bound.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "sim/placement/replication.hpp"

namespace hotexpert {
namespace {

double total(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// The least that the largest of `slots` replicas can be.
double least_largest_replica(std::span<const double> load, int slots) {
  const auto replication = replicate_hottest(load, slots);
  double largest = 0;
  for (std::size_t e = 0; e < load.size(); ++e) {
    largest = std::max(largest, load[e] / replication.copies[e]);
  }
  return largest;
}

double fastest_rank(const PlacementTarget& target) {
  return target.rank_speed.empty()
             ? 1.0
             : *std::max_element(target.rank_speed.begin(), target.rank_speed.end());
}

double speed_of_ranks(const PlacementTarget& target, int first, int count) {
  double sum = 0;
  for (int rank = first; rank < first + count; ++rank) sum += target.speed(rank);
  return sum;
}

double fastest_node(const PlacementTarget& target) {
  double fastest = 0;
  for (int first = 0; first < target.ranks; first += target.ranks_per_node()) {
    fastest = std::max(fastest, speed_of_ranks(target, first, target.ranks_per_node()));
  }
  return fastest;
}

/// The least that the heaviest node can hold when each takes `groups_per_node` whole groups.
double least_heaviest_node(std::vector<double> group_load, int nodes) {
  std::sort(group_load.begin(), group_load.end(), std::greater<>());
  const std::size_t groups = group_load.size();
  const std::size_t per_node = groups / static_cast<std::size_t>(nodes);
  double least = 0;
  for (std::size_t k = 0; k < per_node; ++k) {
    const std::size_t top = k * static_cast<std::size_t>(nodes) + 1;
    const auto sorted = std::span<const double>(group_load);
    const double shared = total(sorted.subspan(top - (k + 1), k + 1));
    const std::size_t companions = per_node - (k + 1);
    least = std::max(least, shared + total(sorted.subspan(groups - companions, companions)));
  }
  return least;
}

}  // namespace

double placement_lower_bound(std::span<const double> load, const PlacementTarget& target) {
  const int slots = target.slot_count(static_cast<int>(load.size()));
  return std::max(total(load) / speed_of_ranks(target, 0, target.ranks),
                  least_largest_replica(load, slots) / fastest_rank(target));
}

double grouped_lower_bound(std::span<const double> load, const PlacementTarget& target) {
  double bound = placement_lower_bound(load, target);
  if (!target.groups_divide_over_nodes()) return bound;
  const int experts = static_cast<int>(load.size());
  const int group_size = experts / target.groups;
  const int companions = target.groups / target.nodes - 1;
  const int slots_for_group = target.slot_count(experts) / target.nodes - companions * group_size;
  std::vector<double> group_load;
  for (int g = 0; g < target.groups; ++g) {
    const auto members = load.subspan(static_cast<std::size_t>(g * group_size),
                                      static_cast<std::size_t>(group_size));
    group_load.push_back(total(members));
    bound = std::max(bound, least_largest_replica(members, slots_for_group) / fastest_rank(target));
  }
  return std::max(bound,
                  least_heaviest_node(std::move(group_load), target.nodes) / fastest_node(target));
}

}  // namespace hotexpert
