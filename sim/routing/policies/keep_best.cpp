#include "sim/routing/policies/keep_best.hpp"

#include <algorithm>
#include <vector>

namespace hotexpert {
namespace {

constexpr int kPositionBits = 31;
constexpr std::uint64_t kPosition = (std::uint64_t{1} << kPositionBits) - 1;

/// rank << 31 | position of the scope's assignments, bin by bin; `ends` [bins] holds the end of
/// each bin.
std::vector<std::uint64_t> sort_by_bin(const DropScope& scope, std::span<const std::uint64_t> ranks,
                                       std::vector<std::size_t>& ends) {
  const auto& batch = scope.batch;
  const auto first = static_cast<std::size_t>(scope.first_token * batch.slots);
  const auto bin_at = [&](std::size_t i) {
    const StoredExpert id = batch.topk_ids[first + i];
    return is_expert(batch, id) ? scope.bin_of_expert[static_cast<std::size_t>(id)] : -1;
  };
  ends.assign(static_cast<std::size_t>(scope.num_bins) + 1, 0);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (const auto bin = bin_at(i); bin >= 0) ++ends[static_cast<std::size_t>(bin) + 1];
  }
  for (std::size_t b = 1; b < ends.size(); ++b) ends[b] += ends[b - 1];
  std::vector<std::uint64_t> keys(ends.back());
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (const auto bin = bin_at(i); bin >= 0)
      keys[ends[static_cast<std::size_t>(bin)]++] = ranks[i] << kPositionBits | (first + i);
  }
  ends.pop_back();
  return keys;
}

}  // namespace

void keep_best(const DropScope& scope, std::span<const std::uint64_t> ranks,
               KeptAssignments& kept) {
  const auto& batch = scope.batch;
  std::vector<std::size_t> ends;
  auto keys = sort_by_bin(scope, ranks, ends);
  std::fill(kept.expert.begin() + scope.first_token * batch.slots,
            kept.expert.begin() + scope.end_token * batch.slots, kAbsent);
  const auto at = [&](std::size_t i) { return keys.begin() + static_cast<std::ptrdiff_t>(i); };
  std::size_t begin = 0;
  for (const auto end : ends) {
    const auto keep_end = std::min(end, begin + static_cast<std::size_t>(scope.capacity));
    if (keep_end < end) std::nth_element(at(begin), at(keep_end), at(end));
    for (auto i = begin; i < keep_end; ++i) {
      const auto position = static_cast<std::size_t>(keys[i] & kPosition);
      kept.expert[position] = batch.topk_ids[position];
    }
    begin = end;
  }
}

}  // namespace hotexpert
