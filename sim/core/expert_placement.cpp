#include "sim/core/expert_placement.hpp"

#include <fmt/format.h>

#include "sim/base/errors.hpp"

namespace hotexpert {

ExpertPlacement::ExpertPlacement(int num_experts, int num_ranks,
                                 std::vector<LogicalExpert> physical_to_logical,
                                 std::vector<Rank> physical_to_rank)
    : num_experts_(num_experts),
      num_ranks_(num_ranks),
      physical_to_logical_(std::move(physical_to_logical)),
      physical_to_rank_(std::move(physical_to_rank)) {
  if (physical_to_logical_.size() != physical_to_rank_.size()) {
    throw UsageError(fmt::format("expert placement: {} slots name an expert, {} name a rank",
                                 physical_to_logical_.size(), physical_to_rank_.size()));
  }
  std::vector<std::int32_t> copies(static_cast<std::size_t>(num_experts), 0);
  for (std::size_t slot = 0; slot < physical_to_logical_.size(); ++slot) {
    const auto expert = index(physical_to_logical_[slot]);
    const auto rank = index(physical_to_rank_[slot]);
    if (expert < 0 || expert >= num_experts || rank < 0 || rank >= num_ranks) {
      throw UsageError(fmt::format(
          "expert placement: slot {} holds expert {} on rank {}, outside {} experts and {} "
          "ranks",
          slot, expert, rank, num_experts, num_ranks));
    }
    ++copies[static_cast<std::size_t>(expert)];
    identity_ = identity_ && expert == static_cast<std::int32_t>(slot);
  }
  identity_ = identity_ && num_physical() == num_experts;
  replica_offsets_.assign(copies.size() + 1, 0);
  for (std::size_t e = 0; e < copies.size(); ++e) {
    if (copies[e] == 0) throw UsageError(fmt::format("expert placement: expert {} has no slot", e));
    replica_offsets_[e + 1] = replica_offsets_[e] + copies[e];
  }
  replica_slots_.resize(physical_to_logical_.size());
  auto next = replica_offsets_;
  for (std::size_t slot = 0; slot < physical_to_logical_.size(); ++slot) {
    const auto e = static_cast<std::size_t>(index(physical_to_logical_[slot]));
    replica_slots_[static_cast<std::size_t>(next[e]++)] = static_cast<PhysicalExpert>(slot);
  }
}

ExpertPlacement ExpertPlacement::contiguous(int num_experts, int num_ranks) {
  if (num_ranks < 1 || num_ranks > num_experts) {
    throw UsageError(fmt::format("ep.ranks: {} ranks cannot each hold one of {} experts", num_ranks,
                                 num_experts));
  }
  std::vector<LogicalExpert> logical;
  std::vector<Rank> rank;
  const int base = num_experts / num_ranks;
  const int extra = num_experts % num_ranks;
  for (int r = 0; r < num_ranks; ++r) {
    for (int i = 0; i < base + (r < extra ? 1 : 0); ++i) {
      logical.push_back(static_cast<LogicalExpert>(logical.size()));
      rank.push_back(static_cast<Rank>(r));
    }
  }
  return {num_experts, num_ranks, std::move(logical), std::move(rank)};
}

std::span<const PhysicalExpert> ExpertPlacement::replicas(LogicalExpert expert) const {
  const auto e = static_cast<std::size_t>(index(expert));
  const auto begin = static_cast<std::size_t>(replica_offsets_[e]);
  return std::span(replica_slots_)
      .subspan(begin, static_cast<std::size_t>(replica_offsets_[e + 1]) - begin);
}

}  // namespace hotexpert
