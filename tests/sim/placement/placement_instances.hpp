#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "sim/base/math.hpp"
#include "sim/base/random.hpp"
#include "sim/placement/placement_problem.hpp"

namespace hotexpert::testing {

/// Loads w_i ~ i^-exponent in thousandths, dealt to experts by (seed, layer).
inline std::vector<double> zipf_loads(int experts, double exponent, std::uint64_t seed,
                                      std::uint32_t layer) {
  std::vector<double> load;
  for (int i = 1; i <= experts; ++i) {
    load.push_back(std::floor(1e6 * portable_exp(-exponent * portable_log(i))));
  }
  RandomStream stream({.seed = seed, .purpose = RandomPurpose::kTest, .layer = layer}, 0);
  for (auto left = load.size(); left > 1; --left) {
    std::swap(load[left - 1], load[stream.below(static_cast<std::uint32_t>(left))]);
  }
  return load;
}

/// Every vector of `experts` loads with entries from `values`.
inline std::vector<std::vector<double>> all_loads(int experts, const std::vector<double>& values) {
  std::vector<std::vector<double>> loads{{}};
  for (int e = 0; e < experts; ++e) {
    std::vector<std::vector<double>> longer;
    for (const auto& load : loads) {
      for (const double value : values) {
        longer.push_back(load);
        longer.back().push_back(value);
      }
    }
    loads = std::move(longer);
  }
  return loads;
}

/// Calls `visit(slot_expert)` for every way to fill the slots in which each expert has one.
template <class Visit>
void for_each_filling(int experts, int slots, Visit&& visit) {
  std::vector<int> slot_expert(static_cast<std::size_t>(slots), 0);
  while (true) {
    std::vector<int> copies(static_cast<std::size_t>(experts), 0);
    for (const int expert : slot_expert) ++copies[static_cast<std::size_t>(expert)];
    if (*std::min_element(copies.begin(), copies.end()) > 0) visit(slot_expert, copies);
    std::size_t digit = 0;
    while (digit < slot_expert.size() && ++slot_expert[digit] == experts) slot_expert[digit++] = 0;
    if (digit == slot_expert.size()) return;
  }
}

/// The slowest rank's rows / speed of a filling with equally many slots a rank.
inline double slowest_of(const std::vector<int>& slot_expert, const std::vector<int>& copies,
                         const std::vector<double>& load, const PlacementTarget& target) {
  const auto slots_per_rank = slot_expert.size() / static_cast<std::size_t>(target.ranks);
  double slowest = 0;
  for (int rank = 0; rank < target.ranks; ++rank) {
    double rows = 0;
    for (std::size_t i = 0; i < slots_per_rank; ++i) {
      const auto expert = static_cast<std::size_t>(
          slot_expert[static_cast<std::size_t>(rank) * slots_per_rank + i]);
      rows += load[expert] / copies[expert];
    }
    slowest = std::max(slowest, rows / target.speed(rank));
  }
  return slowest;
}

/// True when no group has slots on two nodes and every node holds equally many groups.
inline bool keeps_groups(const std::vector<int>& slot_expert, int experts,
                         const PlacementTarget& target) {
  const auto slots_per_node = slot_expert.size() / static_cast<std::size_t>(target.nodes);
  std::vector<std::size_t> home(static_cast<std::size_t>(target.groups), slot_expert.size());
  std::vector<int> groups_of_node(static_cast<std::size_t>(target.nodes), 0);
  for (std::size_t slot = 0; slot < slot_expert.size(); ++slot) {
    const auto group = static_cast<std::size_t>(slot_expert[slot] / (experts / target.groups));
    const std::size_t node = slot / slots_per_node;
    if (home[group] == slot_expert.size()) {
      home[group] = node;
      ++groups_of_node[node];
    }
    if (home[group] != node) return false;
  }
  return std::all_of(groups_of_node.begin(), groups_of_node.end(),
                     [&](int groups) { return groups == target.groups / target.nodes; });
}

/// The best slowest rank over all fillings, by enumeration.
inline double brute_force_optimum(const std::vector<double>& load, const PlacementTarget& target,
                                  bool groups_kept) {
  const int experts = static_cast<int>(load.size());
  double best = std::numeric_limits<double>::infinity();
  for_each_filling(experts, target.slot_count(experts),
                   [&](const auto& filling, const auto& copies) {
                     if (groups_kept && !keeps_groups(filling, experts, target)) return;
                     best = std::min(best, slowest_of(filling, copies, load, target));
                   });
  return best;
}

}  // namespace hotexpert::testing
