#include "sim/placement/refine_search.hpp"

#include <algorithm>

#include "sim/base/index.hpp"
#include "sim/placement/slot_search.hpp"

namespace hotexpert {
namespace {

/// The experts of some ranks under new names 0 … n-1.
struct LocalExperts {
  std::vector<std::int32_t> global;  ///< [n] by rising index
  std::vector<double> load;          ///< [n]
  std::vector<std::int32_t> slot_expert;
};

LocalExperts localise(std::span<const double> load, std::span<const std::int32_t> slot_expert) {
  LocalExperts out;
  out.global.assign(slot_expert.begin(), slot_expert.end());
  std::sort(out.global.begin(), out.global.end());
  out.global.erase(std::unique(out.global.begin(), out.global.end()), out.global.end());
  for (const auto expert : out.global) out.load.push_back(load[at(expert)]);
  for (const auto expert : slot_expert) {
    const auto found = std::lower_bound(out.global.begin(), out.global.end(), expert);
    out.slot_expert.push_back(static_cast<std::int32_t>(found - out.global.begin()));
  }
  return out;
}

SearchRanks search_ranks(const PlacementTarget& target, int first_rank, int rank_count) {
  SearchRanks ranks{{}, std::min(rank_count, target.ranks_per_node())};
  for (int rank = first_rank; rank < first_rank + rank_count; ++rank) {
    ranks.speed.push_back(target.speed(rank));
  }
  return ranks;
}

/// One to three random steps away from a placement in which no single step helps. Swaps stay on a
/// node: across nodes they would scatter groups for nothing.
void kick(SlotSearch& search, std::size_t experts, RandomStream& stream) {
  const auto draw = [&](std::size_t bound) {
    return static_cast<std::int32_t>(stream.below(static_cast<std::uint32_t>(bound)));
  };
  for (std::int32_t steps = 1 + draw(3); steps > 0; --steps) {
    const bool swap_slots = draw(2) == 0;
    const auto slot = draw(search.slot_expert().size());
    if (swap_slots) {
      const auto node_size = search.slots_per_node();
      search.swap(slot, search.node_of(slot) * node_size + draw(at(node_size)));
    } else {
      search.give_slot(slot, draw(experts));
    }
  }
}

}  // namespace

void improve_ranks(const PlacementProblem& problem, int first_rank, int rank_count,
                   const SearchEffort& effort, RandomStream stream,
                   std::vector<std::int32_t>& slot_expert) {
  const int slots_per_rank = problem.slots() / problem.target.ranks;
  const auto slots = std::span(slot_expert)
                         .subspan(at(first_rank * slots_per_rank), at(rank_count * slots_per_rank));
  const auto local = localise(problem.load, slots);
  SlotSearch best(local.load, search_ranks(problem.target, first_rank, rank_count),
                  local.slot_expert);
  double slowest = best.descend(effort.goal);
  for (int trial = 0; trial < effort.trials && slowest > effort.goal; ++trial) {
    SlotSearch search = best;
    kick(search, local.load.size(), stream);
    const double reached = search.descend(effort.goal);
    if (reached <= slowest) {
      best = std::move(search);
      slowest = reached;
    }
  }
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    slots[slot] = local.global[at(best.slot_expert()[slot])];
  }
}

std::vector<std::int32_t> deal_groups(const PlacementProblem& problem,
                                      const std::vector<std::int32_t>& eplb_deal) {
  const auto& target = problem.target;
  const std::size_t group_size = problem.load.size() / eplb_deal.size();
  std::vector<double> group_load(eplb_deal.size(), 0.0);
  for (std::size_t e = 0; e < problem.load.size(); ++e) {
    group_load[e / group_size] += problem.load[e];
  }
  std::vector<double> speed(at(target.nodes), 0.0);
  for (int rank = 0; rank < target.ranks; ++rank) {
    speed[at(rank / target.ranks_per_node())] += target.speed(rank);
  }
  auto deal = eplb_deal;
  std::vector<double> node_load(speed.size(), 0.0);
  for (std::size_t g = 0; g < deal.size(); ++g) node_load[at(deal[g])] += group_load[g];
  const auto scaled = [&](std::size_t node) { return node_load[node] / speed[node]; };

  while (true) {
    std::size_t heaviest = 0;
    for (std::size_t n = 1; n < speed.size(); ++n) {
      if (scaled(n) > scaled(heaviest)) heaviest = n;
    }
    double best = scaled(heaviest) * (1 - 1e-9);
    std::pair<std::size_t, std::size_t> exchange{0, 0};
    for (std::size_t a = 0; a < deal.size(); ++a) {
      if (at(deal[a]) != heaviest) continue;
      for (std::size_t b = 0; b < deal.size(); ++b) {
        const std::size_t other = at(deal[b]);
        if (other == heaviest) continue;
        const double relief = group_load[a] - group_load[b];
        const double after = std::max((node_load[heaviest] - relief) / speed[heaviest],
                                      (node_load[other] + relief) / speed[other]);
        if (after < best) {
          best = after;
          exchange = {a, b};
        }
      }
    }
    const auto [a, b] = exchange;
    if (a == b) return deal;
    node_load[at(deal[a])] += group_load[b] - group_load[a];
    node_load[at(deal[b])] += group_load[a] - group_load[b];
    std::swap(deal[a], deal[b]);
  }
}

}  // namespace hotexpert
