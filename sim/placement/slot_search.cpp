#include "sim/placement/slot_search.hpp"

#include <algorithm>

#include "sim/base/index.hpp"

namespace hotexpert {
namespace {

/// A step must win by more than rounding, so that descents end.
constexpr double kRealGain = 1 - 1e-9;

}  // namespace

SlotSearch::SlotSearch(std::span<const double> load, SearchRanks ranks,
                       std::vector<std::int32_t> slot_expert)
    : load_(load),
      ranks_(std::move(ranks)),
      slots_per_rank_(static_cast<std::int32_t>(slot_expert.size() / ranks_.speed.size())),
      slot_expert_(std::move(slot_expert)),
      expert_slots_(load.size()),
      rank_load_(ranks_.speed.size(), 0.0),
      change_(ranks_.speed.size(), 0.0) {
  for (std::size_t slot = 0; slot < slot_expert_.size(); ++slot) {
    expert_slots_[at(slot_expert_[slot])].push_back(static_cast<std::int32_t>(slot));
  }
  for (std::size_t rank = 0; rank < rank_load_.size(); ++rank) {
    recompute(static_cast<std::int32_t>(rank));
  }
}

double SlotSearch::scaled(std::int32_t rank) const {
  return rank_load_[at(rank)] / ranks_.speed[at(rank)];
}

bool SlotSearch::holds(std::int32_t rank, std::int32_t expert) const {
  const auto first = slot_expert_.begin() + std::ptrdiff_t{rank} * slots_per_rank_;
  return std::find(first, first + slots_per_rank_, expert) != first + slots_per_rank_;
}

std::int32_t SlotSearch::copies(std::int32_t expert) const {
  return static_cast<std::int32_t>(expert_slots_[at(expert)].size());
}

double SlotSearch::share(std::int32_t expert) const { return load_[at(expert)] / copies(expert); }

std::int32_t SlotSearch::slowest_rank() const {
  std::int32_t slowest = 0;
  for (std::int32_t rank = 1; at(rank) < rank_load_.size(); ++rank) {
    if (scaled(rank) > scaled(slowest)) slowest = rank;
  }
  return slowest;
}

void SlotSearch::recompute(std::int32_t rank) {
  double sum = 0;
  for (std::int32_t i = 0; i < slots_per_rank_; ++i) {
    sum += share(slot_expert_[at(rank * slots_per_rank_ + i)]);
  }
  rank_load_[at(rank)] = sum;
}

bool SlotSearch::may_swap(std::int32_t slot_a, std::int32_t slot_b) const {
  return rank_of(slot_a) != rank_of(slot_b) && !holds(rank_of(slot_a), slot_expert_[at(slot_b)]) &&
         !holds(rank_of(slot_b), slot_expert_[at(slot_a)]);
}

bool SlotSearch::may_give(std::int32_t slot, std::int32_t expert) const {
  return copies(slot_expert_[at(slot)]) > 1 && !holds(rank_of(slot), expert);
}

bool SlotSearch::swap(std::int32_t slot_a, std::int32_t slot_b) {
  if (!may_swap(slot_a, slot_b)) return false;
  const auto rename = [this](std::int32_t expert, std::int32_t from, std::int32_t to) {
    auto& slots = expert_slots_[at(expert)];
    *std::find(slots.begin(), slots.end(), from) = to;
  };
  rename(slot_expert_[at(slot_a)], slot_a, slot_b);
  rename(slot_expert_[at(slot_b)], slot_b, slot_a);
  std::swap(slot_expert_[at(slot_a)], slot_expert_[at(slot_b)]);
  recompute(rank_of(slot_a));
  recompute(rank_of(slot_b));
  return true;
}

bool SlotSearch::give_slot(std::int32_t slot, std::int32_t expert) {
  if (!may_give(slot, expert)) return false;
  const auto loser = slot_expert_[at(slot)];
  auto& slots = expert_slots_[at(loser)];
  slots.erase(std::find(slots.begin(), slots.end(), slot));
  expert_slots_[at(expert)].push_back(slot);
  slot_expert_[at(slot)] = expert;
  for (const auto other : slots) recompute(rank_of(other));
  for (const auto other : expert_slots_[at(expert)]) recompute(rank_of(other));
  return true;
}

std::optional<SlotSearch::Swap> SlotSearch::best_swap(std::int32_t slowest,
                                                      bool inside_node) const {
  std::optional<Swap> best;
  double limit = scaled(slowest) * kRealGain;
  for (std::int32_t rank = 0; at(rank) < rank_load_.size(); ++rank) {
    const bool same_node = rank / ranks_.per_node == slowest / ranks_.per_node;
    if (rank == slowest || same_node != inside_node || scaled(rank) >= limit) continue;
    for (std::int32_t i = 0; i < slots_per_rank_; ++i) {
      const std::int32_t slot_a = slowest * slots_per_rank_ + i;
      const auto expert_a = slot_expert_[at(slot_a)];
      for (std::int32_t j = 0; j < slots_per_rank_; ++j) {
        const std::int32_t slot_b = rank * slots_per_rank_ + j;
        const double relief = share(expert_a) - share(slot_expert_[at(slot_b)]);
        if (!(relief > 0)) continue;
        const double after =
            std::max((rank_load_[at(slowest)] - relief) / ranks_.speed[at(slowest)],
                     (rank_load_[at(rank)] + relief) / ranks_.speed[at(rank)]);
        if (after >= limit || !may_swap(slot_a, slot_b)) continue;
        best = {slot_a, slot_b, after};
        limit = after;
      }
    }
  }
  return best;
}

/// The slowest touched rank when `slot` is given to a copy of `expert`, or nullopt where the step
/// is not allowed or does not relieve rank `slowest`.
std::optional<double> SlotSearch::slowest_after(std::int32_t slot, std::int32_t expert,
                                                std::int32_t slowest) const {
  const auto loser = slot_expert_[at(slot)];
  if (!may_give(slot, expert)) return std::nullopt;
  const double gained = load_[at(expert)] / (copies(expert) + 1);
  const double left = load_[at(loser)] / (copies(loser) - 1);
  const auto for_each_touched = [&](auto&& visit) {
    for (const auto other : expert_slots_[at(expert)])
      visit(rank_of(other), gained - share(expert));
    for (const auto other : expert_slots_[at(loser)]) {
      if (other != slot) visit(rank_of(other), left - share(loser));
    }
    visit(rank_of(slot), gained - share(loser));
  };
  for_each_touched([&](std::int32_t rank, double delta) { change_[at(rank)] += delta; });
  const bool relieves = change_[at(slowest)] < 0;
  double after = 0;
  for_each_touched([&](std::int32_t rank, double) {
    after = std::max(after, (rank_load_[at(rank)] + change_[at(rank)]) / ranks_.speed[at(rank)]);
  });
  for_each_touched([&](std::int32_t rank, double) { change_[at(rank)] = 0; });
  if (!relieves) return std::nullopt;
  return after;
}

std::optional<SlotSearch::CopyMove> SlotSearch::best_copy_move(std::int32_t slowest) const {
  std::optional<CopyMove> best;
  double limit = scaled(slowest) * kRealGain;
  const auto consider = [&](std::int32_t slot, std::int32_t expert) {
    const auto after = slowest_after(slot, expert, slowest);
    if (!after || *after >= limit) return;
    best = {slot, expert, *after};
    limit = *after;
  };
  const std::int32_t first = slowest * slots_per_rank_;
  for (std::int32_t i = first; i < first + slots_per_rank_; ++i) {
    // One more copy, elsewhere, of an expert the slowest rank holds.
    for (std::int32_t slot = 0; at(slot) < slot_expert_.size(); ++slot) {
      consider(slot, slot_expert_[at(i)]);
    }
    // A lighter expert's copy in place of one the slowest rank holds.
    for (std::int32_t expert = 0; at(expert) < load_.size(); ++expert) consider(i, expert);
  }
  return best;
}

double SlotSearch::descend(double goal) {
  while (true) {
    const auto slowest = slowest_rank();
    if (scaled(slowest) <= goal) return scaled(slowest);
    auto exchange = best_swap(slowest, true);
    if (!exchange) exchange = best_swap(slowest, false);
    if (exchange) {
      swap(exchange->slot_a, exchange->slot_b);
    } else if (const auto move = best_copy_move(slowest)) {
      give_slot(move->slot, move->expert);
    } else {
      return scaled(slowest);
    }
  }
}

}  // namespace hotexpert
