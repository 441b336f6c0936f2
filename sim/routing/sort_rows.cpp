#include "sim/routing/sort_rows.hpp"

#include <algorithm>
#include <limits>

namespace hotexpert {
namespace {

constexpr std::size_t kLanes = 4;  // independent histograms: equal neighbours do not wait for
                                   // each other

/// Bin of an id without a branch: -1 → 0, e → e + 1, all else → `out_of_range`.
std::uint32_t bin_of(StoredExpert id, std::uint32_t out_of_range) {
  return std::min(static_cast<std::uint32_t>(static_cast<std::uint16_t>(id + 1)), out_of_range);
}

/// Where the sorted rows are written. Behind the rows lie the absent slots, the ids out of range
/// and one entry for what is dropped: they are cut off afterwards, which keeps branches out of the
/// sort.
struct Target {
  std::vector<std::int32_t>& token;
  std::vector<std::int32_t>& slot;
  std::vector<float>& weight;

  void resize(std::size_t rows, bool weighted) const {
    token.resize(rows);
    slot.resize(rows);
    weight.resize(weighted ? rows : 0);
  }
};

/// Sums the loads of the groups, as far as their capacity goes, into scratch.kept.
void count_kept(const RowSort& sort, std::size_t bins, std::vector<std::int64_t>& kept) {
  kept.assign(bins, 0);
  for (std::size_t g = 0; g * bins < sort.load.size(); ++g) {
    const auto load = sort.load.subspan(g * bins, bins);
    for (std::size_t bin = 0; bin < bins; ++bin) {
      const bool limited = !sort.capacity.empty() && bin != 0 && bin != bins - 1;
      kept[bin] += limited ? std::min<std::int64_t>(load[bin], sort.capacity[g]) : load[bin];
    }
  }
}

/// Rows of each physical expert: replica r of n takes rows r, r + n, r + 2n … of its expert.
void fill_offsets(const ExpertPlacement& placement, std::span<const std::int64_t> kept,
                  std::vector<std::int64_t>& offsets) {
  offsets.assign(static_cast<std::size_t>(placement.num_physical()) + 1, 0);
  for (int e = 0; e < placement.num_experts(); ++e) {
    const auto rows = kept[static_cast<std::size_t>(e) + 1];
    const auto replicas = placement.replicas(static_cast<LogicalExpert>(e));
    const auto copies = static_cast<std::int64_t>(replicas.size());
    std::int64_t r = 0;
    for (const auto replica : replicas) {
      offsets[static_cast<std::size_t>(index(replica)) + 1] = (rows - r + copies - 1) / copies;
      ++r;
    }
  }
  for (std::size_t p = 1; p < offsets.size(); ++p) offsets[p] += offsets[p - 1];
}

/// First row of each bin: experts in the order of their slots (by id where they are replicated),
/// then absent slots, then ids out of range. Returns the end of the last.
std::int64_t place_bins(const ExpertPlacement& placement, bool replicated,
                        std::span<const std::int64_t> kept, std::vector<std::uint32_t>& cursor) {
  cursor.resize(kept.size());
  std::int64_t next = 0;
  const auto place = [&](std::size_t bin) {
    cursor[bin] = static_cast<std::uint32_t>(next);
    next += kept[bin];
  };
  for (int i = 0; i < placement.num_experts(); ++i) {
    const auto slot = static_cast<std::size_t>(i);
    const int expert = replicated ? i : index(placement.physical_to_logical()[slot]);
    place(static_cast<std::size_t>(expert) + 1);
  }
  place(0);
  place(kept.size() - 1);
  return next;
}

/// The hot loop: an id read, a token and a position (and a weight) written an assignment.
template <bool kLimited, bool kWeighted>
std::size_t scatter(const RowSort& sort, std::int64_t first_token, std::int64_t end_token,
                    const DispatchPlan& plan, SortScratch& scratch, Target target,
                    std::int32_t* dropped) {
  const auto out_of_range = static_cast<std::uint32_t>(scratch.cursor.size() - 1);
  std::uint32_t* const cursor = scratch.cursor.data();
  const std::uint32_t* const limit = scratch.limit.data();
  std::int32_t* const token_of = target.token.data();
  std::int32_t* const slot_of = target.slot.data();
  float* const weight_of = target.weight.data();
  const StoredExpert* const ids = sort.ids.data();
  const float* const weights = sort.weights.data();
  const auto trash = static_cast<std::uint32_t>(target.slot.size() - 1);
  std::size_t num_dropped = 0;
  auto position = first_token * plan.slots;
  for (auto token = first_token; token < end_token; ++token) {
    for (const auto end = position + plan.slots; position < end; ++position) {
      const std::uint32_t bin = bin_of(ids[position], out_of_range);
      std::uint32_t row = cursor[bin];
      if constexpr (kLimited) {
        const std::uint32_t keeps = row < limit[bin] ? 1 : 0;
        cursor[bin] = row + keeps;
        // A mask, not a branch: drops are as good as random to the branch predictor.
        row = (row & (0 - keeps)) | (trash & (keeps - 1));
        dropped[num_dropped] = static_cast<std::int32_t>(position);
        num_dropped += 1 - keeps;
      } else {
        cursor[bin] = row + 1;
      }
      token_of[row] = static_cast<std::int32_t>(token);
      slot_of[row] = static_cast<std::int32_t>(position);
      if constexpr (kWeighted) weight_of[row] = weights[position];
    }
  }
  return num_dropped;
}

/// Sets the row each expert may not reach in a group of `capacity` rows an expert.
void set_limits(std::int64_t capacity, SortScratch& scratch) {
  constexpr std::int64_t kUnlimited = std::numeric_limits<std::uint32_t>::max();
  scratch.limit.assign(scratch.cursor.size(), static_cast<std::uint32_t>(kUnlimited));
  for (std::size_t bin = 1; bin + 1 < scratch.limit.size(); ++bin) {
    scratch.limit[bin] =
        static_cast<std::uint32_t>(std::min(scratch.cursor[bin] + capacity, kUnlimited));
  }
}

/// Gives row j of a logical expert to its replica j mod copies.
void deal_to_replicas(const ExpertPlacement& placement, const SortScratch& scratch,
                      DispatchPlan& plan) {
  std::size_t begin = 0;
  for (int e = 0; e < placement.num_experts(); ++e) {
    const auto replicas = placement.replicas(static_cast<LogicalExpert>(e));
    const std::size_t end =
        begin + static_cast<std::size_t>(scratch.kept[static_cast<std::size_t>(e) + 1]);
    for (std::size_t r = 0; r < replicas.size(); ++r) {
      auto row = static_cast<std::size_t>(
          plan.expert_offsets[static_cast<std::size_t>(index(replicas[r]))]);
      for (std::size_t i = begin + r; i < end; i += replicas.size(), ++row) {
        plan.source_token[row] = scratch.token[i];
        plan.source_slot[row] = scratch.slot[i];
        if (!scratch.weight.empty()) plan.gate_weight[row] = scratch.weight[i];
      }
    }
    begin = end;
  }
}

}  // namespace

void count_ids(std::span<const StoredExpert> ids, int num_experts, std::span<std::uint32_t> load,
               SortScratch& scratch) {
  const auto bins = id_bins(num_experts);
  const auto out_of_range = static_cast<std::uint32_t>(bins - 1);
  scratch.lanes.assign(kLanes * bins, 0);
  std::uint32_t* const lanes = scratch.lanes.data();
  std::size_t i = 0;
  for (; i + kLanes <= ids.size(); i += kLanes) {
    ++lanes[bin_of(ids[i], out_of_range)];
    ++lanes[bins + bin_of(ids[i + 1], out_of_range)];
    ++lanes[2 * bins + bin_of(ids[i + 2], out_of_range)];
    ++lanes[3 * bins + bin_of(ids[i + 3], out_of_range)];
  }
  for (; i < ids.size(); ++i) ++lanes[bin_of(ids[i], out_of_range)];
  for (std::size_t b = 0; b < bins; ++b) {
    load[b] = lanes[b] + lanes[bins + b] + lanes[2 * bins + b] + lanes[3 * bins + b];
  }
}

void sort_rows(const RowSort& sort, const ExpertPlacement& placement, SortScratch& scratch,
               DispatchPlan& plan) {
  const bool limited = !sort.capacity.empty();
  const bool weighted = !sort.weights.empty();
  const bool replicated = placement.num_physical() != placement.num_experts();
  count_kept(sort, id_bins(placement.num_experts()), scratch.kept);
  fill_offsets(placement, scratch.kept, plan.expert_offsets);
  const auto sorted =
      static_cast<std::size_t>(place_bins(placement, replicated, scratch.kept, scratch.cursor));

  const Target target = replicated ? Target{scratch.token, scratch.slot, scratch.weight}
                                   : Target{plan.source_token, plan.source_slot, plan.gate_weight};
  target.resize(sorted + 1, weighted);
  plan.dropped.resize(sort.ids.size() - sorted + 1);
  const auto run = limited ? (weighted ? scatter<true, true> : scatter<true, false>)
                           : (weighted ? scatter<false, true> : scatter<false, false>);
  std::int32_t* dropped = plan.dropped.data();
  std::size_t g = 0;
  for (std::int64_t first = 0; first < plan.tokens; first += sort.group_tokens, ++g) {
    if (limited) set_limits(sort.capacity[g], scratch);
    dropped += run(sort, first, std::min(plan.tokens, first + sort.group_tokens), plan, scratch,
                   target, dropped);
  }
  plan.dropped.pop_back();

  const auto rows = static_cast<std::size_t>(plan.rows());
  Target{plan.source_token, plan.source_slot, plan.gate_weight}.resize(rows, weighted);
  if (replicated) deal_to_replicas(placement, scratch, plan);
}

}  // namespace hotexpert
