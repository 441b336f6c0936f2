#include <numeric>

#include "sim/base/index.hpp"
#include "sim/placement/refine_search.hpp"
#include "sim/placement/slot_search.hpp"

namespace hotexpert {
namespace {

/// What swaps are judged by, once they keep every rank fast enough.
class Gathering {
 public:
  Gathering(const PlacementProblem& problem, const std::vector<std::int32_t>& group_home)
      : problem_(problem),
        group_home_(group_home),
        group_size_(problem.num_experts() / problem.target.groups) {}

  /// Rows that leave their group's node, less those that did before the swap.
  [[nodiscard]] double stray_change(const SlotSearch& search, std::int32_t a,
                                    std::int32_t b) const {
    const auto expert_a = search.slot_expert()[at(a)];
    const auto expert_b = search.slot_expert()[at(b)];
    const auto node_a = search.node_of(a);
    const auto node_b = search.node_of(b);
    return search.share(expert_a) * (strays(expert_a, node_b) - strays(expert_a, node_a)) +
           search.share(expert_b) * (strays(expert_b, node_a) - strays(expert_b, node_b));
  }

  /// Pairs of experts of one token on one rank, less those before the swap.
  [[nodiscard]] double pair_change(const SlotSearch& search, std::int32_t a, std::int32_t b) const {
    if (problem_.coactivation.empty()) return 0;
    const auto expert_a = search.slot_expert()[at(a)];
    const auto expert_b = search.slot_expert()[at(b)];
    return pairs_with_rank(search, expert_a, b) - pairs_with_rank(search, expert_a, a) +
           pairs_with_rank(search, expert_b, a) - pairs_with_rank(search, expert_b, b);
  }

 private:
  [[nodiscard]] double strays(std::int32_t expert, std::int32_t node) const {
    return group_home_.empty() || group_home_[at(expert / group_size_)] == node ? 0 : 1;
  }
  /// Pairs of `expert` with the experts on the slot's rank, the slot itself left out.
  [[nodiscard]] double pairs_with_rank(const SlotSearch& search, std::int32_t expert,
                                       std::int32_t slot) const {
    const auto row =
        problem_.coactivation.subspan(at(expert) * problem_.load.size(), problem_.load.size());
    const std::int32_t first = search.rank_of(slot) * search.slots_per_rank();
    double pairs = 0;
    for (std::int32_t other = first; other < first + search.slots_per_rank(); ++other) {
      const auto neighbour = search.slot_expert()[at(other)];
      if (other == slot || neighbour == expert) continue;
      pairs += row[at(neighbour)] / search.copies(neighbour);
    }
    return pairs / search.copies(expert);
  }

  const PlacementProblem& problem_;
  const std::vector<std::int32_t>& group_home_;
  std::int32_t group_size_;
};

/// Takes every swap that `gains` likes and the load limit allows, until a pass finds none.
template <class Gains>
void swap_while(SlotSearch& search, const PlacementTarget& target, bool across_nodes, double limit,
                Gains&& gains) {
  const auto slots = static_cast<std::int32_t>(search.slot_expert().size());
  for (bool changed = true; changed;) {
    changed = false;
    for (std::int32_t a = 0; a < slots; ++a) {
      for (std::int32_t b = (search.rank_of(a) + 1) * search.slots_per_rank(); b < slots; ++b) {
        if (!across_nodes && search.node_of(a) != search.node_of(b)) break;
        const double moved =
            search.share(search.slot_expert()[at(a)]) - search.share(search.slot_expert()[at(b)]);
        const auto rank_a = search.rank_of(a);
        const auto rank_b = search.rank_of(b);
        const bool fits = search.scaled(rank_a) - moved / target.speed(rank_a) <= limit &&
                          search.scaled(rank_b) + moved / target.speed(rank_b) <= limit;
        if (fits && gains(a, b) && search.swap(a, b)) changed = true;
      }
    }
  }
}

}  // namespace

void gather_copies(const PlacementProblem& problem, const std::vector<std::int32_t>& group_home,
                   bool across_nodes, double slowest_load, std::vector<std::int32_t>& slot_expert) {
  SearchRanks ranks{{}, problem.target.ranks_per_node()};
  for (int rank = 0; rank < problem.target.ranks; ++rank) {
    ranks.speed.push_back(problem.target.speed(rank));
  }
  SlotSearch search(problem.load, std::move(ranks), slot_expert);
  const Gathering gathering(problem, group_home);
  const auto sum = [](std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  };
  // Gains must beat rounding, so that passes end.
  const double real_rows = 1e-9 * sum(problem.load);
  const double real_pairs = 1e-9 * sum(problem.coactivation);

  if (across_nodes && !group_home.empty()) {
    swap_while(search, problem.target, true, slowest_load,
               [&](auto a, auto b) { return gathering.stray_change(search, a, b) < -real_rows; });
  }
  if (!problem.coactivation.empty()) {
    swap_while(search, problem.target, across_nodes, slowest_load, [&](auto a, auto b) {
      return gathering.stray_change(search, a, b) <= 0 &&
             gathering.pair_change(search, a, b) > real_pairs;
    });
  }
  slot_expert = search.slot_expert();
}

}  // namespace hotexpert
