#include <algorithm>
#include <numeric>

#include "sim/placement/methods.hpp"
#include "sim/placement/replication.hpp"

namespace hotexpert {
namespace {

/// Ranks while they are filled.
struct FillingRank {
  std::vector<std::int32_t> experts;
  double load = 0;
  std::size_t capacity = 0;

  [[nodiscard]] bool holds(std::int32_t expert) const {
    return std::find(experts.begin(), experts.end(), expert) != experts.end();
  }
};

/// The rank with room that would finish `load` more first; a rank without a copy of the expert
/// before one that has it.
std::size_t choose_rank(const std::vector<FillingRank>& ranks, const PlacementTarget& target,
                        std::int32_t expert, double load) {
  std::size_t best = ranks.size();
  bool best_holds = false;
  double best_finish = 0;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    if (ranks[r].experts.size() == ranks[r].capacity) continue;
    const bool holds = ranks[r].holds(expert);
    const double finish = (ranks[r].load + load) / target.speed(static_cast<int>(r));
    if (best == ranks.size() || std::pair(holds, finish) < std::pair(best_holds, best_finish)) {
      best = r;
      best_holds = holds;
      best_finish = finish;
    }
  }
  return best;
}

}  // namespace

PlacedLayer place_greedy(const PlacementProblem& problem, const NamedChoice& /*choice*/) {
  const auto replication = replicate_hottest(problem.load, problem.slots());
  std::vector<double> share(problem.load.size());
  for (std::size_t e = 0; e < share.size(); ++e) share[e] = problem.load[e] / replication.copies[e];

  auto heaviest_first = replication.slot_expert;
  std::sort(heaviest_first.begin(), heaviest_first.end(), [&](std::int32_t a, std::int32_t b) {
    const double load_a = share[static_cast<std::size_t>(a)];
    const double load_b = share[static_cast<std::size_t>(b)];
    return load_a != load_b ? load_a > load_b : a < b;
  });

  std::vector<FillingRank> ranks(static_cast<std::size_t>(problem.target.ranks));
  for (const auto rank : ranks_of_slots(problem.slots(), problem.target.ranks)) {
    ++ranks[static_cast<std::size_t>(index(rank))].capacity;
  }
  for (const auto expert : heaviest_first) {
    const double load = share[static_cast<std::size_t>(expert)];
    auto& rank = ranks[choose_rank(ranks, problem.target, expert, load)];
    rank.experts.push_back(expert);
    rank.load += load;
  }

  std::vector<LogicalExpert> slot_expert;
  for (const auto& rank : ranks) {
    for (const auto expert : rank.experts)
      slot_expert.push_back(static_cast<LogicalExpert>(expert));
  }
  return place_in_order(problem, std::move(slot_expert));
}

}  // namespace hotexpert
