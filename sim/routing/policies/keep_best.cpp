#include "sim/routing/policies/keep_best.hpp"

#include <algorithm>

namespace hotexpert {
namespace {

/// Positions of the scope's assignments, bin by bin; `ends` [bins] holds the end of each bin.
std::vector<std::int32_t> sort_by_bin(const DropScope& scope, std::vector<std::int64_t>& ends) {
  const auto& batch = scope.batch;
  const auto first = scope.first_token * batch.slots;
  const auto end = scope.end_token * batch.slots;
  const auto bin_at = [&](std::int64_t i) {
    const StoredExpert id = batch.topk_ids[static_cast<std::size_t>(i)];
    return is_expert(batch, id) ? scope.bin_of_expert[static_cast<std::size_t>(id)] : -1;
  };
  ends.assign(static_cast<std::size_t>(scope.num_bins) + 1, 0);
  for (auto i = first; i < end; ++i) {
    if (const auto bin = bin_at(i); bin >= 0) ++ends[static_cast<std::size_t>(bin) + 1];
  }
  for (std::size_t b = 1; b < ends.size(); ++b) ends[b] += ends[b - 1];
  std::vector<std::int32_t> positions(static_cast<std::size_t>(ends.back()));
  for (auto i = first; i < end; ++i) {
    if (const auto bin = bin_at(i); bin >= 0) {
      positions[static_cast<std::size_t>(ends[static_cast<std::size_t>(bin)]++)] =
          static_cast<std::int32_t>(i);
    }
  }
  ends.pop_back();
  return positions;
}

}  // namespace

void keep_best(const DropScope& scope, KeptAssignments& kept,
               const std::function<bool(std::int32_t, std::int32_t)>& before) {
  const auto& batch = scope.batch;
  std::vector<std::int64_t> ends;
  auto positions = sort_by_bin(scope, ends);
  std::fill(kept.expert.begin() + scope.first_token * batch.slots,
            kept.expert.begin() + scope.end_token * batch.slots, kAbsent);
  std::int64_t begin = 0;
  for (const auto end : ends) {
    const auto keep_end = std::min(end, begin + scope.capacity);
    if (keep_end < end) {
      std::nth_element(positions.begin() + begin, positions.begin() + keep_end,
                       positions.begin() + end, before);
    }
    for (auto i = begin; i < keep_end; ++i) {
      const auto position = static_cast<std::size_t>(positions[static_cast<std::size_t>(i)]);
      kept.expert[position] = batch.topk_ids[position];
    }
    begin = end;
  }
}

}  // namespace hotexpert
