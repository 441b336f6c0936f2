#include "sim/core/routing_batch.hpp"

#include <algorithm>

namespace hotexpert {
namespace {

// Independent histograms: neighbouring equal ids do not wait for each other's store.
constexpr std::size_t kLanes = 4;
// Ids checked together before they are counted without further checks; small enough for L1.
constexpr std::size_t kBlock = 8192;
// 32-bit bins cannot overflow between flushes.
constexpr std::size_t kBlocksPerFlush = (std::size_t{1} << 31) / kBlock;

/// True when every id is absent or below `experts`. Branch-free, so that it vectorises.
bool all_countable(std::span<const StoredExpert> ids, std::size_t experts) {
  StoredExpert lowest = 0;
  StoredExpert highest = 0;
  for (const auto id : ids) {
    lowest = std::min(lowest, id);
    highest = std::max(highest, id);
  }
  return lowest >= kAbsent && static_cast<std::size_t>(highest) < experts;
}

/// Adds ids that all_countable() accepted to `histogram` [kLanes, 1 + experts]; column 0 is absent.
void count_block(std::span<const StoredExpert> ids, std::span<std::uint32_t> histogram,
                 std::size_t experts) {
  std::uint32_t* const lane0 = histogram.data() + 1;
  std::uint32_t* const lane1 = lane0 + (experts + 1);
  std::uint32_t* const lane2 = lane1 + (experts + 1);
  std::uint32_t* const lane3 = lane2 + (experts + 1);
  std::size_t i = 0;
  for (; i + kLanes <= ids.size(); i += kLanes) {
    ++lane0[ids[i]];
    ++lane1[ids[i + 1]];
    ++lane2[ids[i + 2]];
    ++lane3[ids[i + 3]];
  }
  for (; i < ids.size(); ++i) ++lane0[ids[i]];
}

/// Moves the counts of the histograms to `load`.
void flush(std::span<std::uint32_t> histogram, std::span<std::int64_t> load) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const auto counts = histogram.subspan(lane * (load.size() + 1) + 1, load.size());
    for (std::size_t e = 0; e < load.size(); ++e) load[e] += counts[e];
  }
  std::fill(histogram.begin(), histogram.end(), 0U);
}

/// True when a token of at most a few slots names an expert twice.
bool has_duplicate(std::span<const StoredExpert> ids) {
  for (std::size_t i = 1; i < ids.size(); ++i) {
    if (ids[i] == kAbsent) continue;
    for (std::size_t j = 0; j < i; ++j) {
      if (ids[i] == ids[j]) return true;
    }
  }
  return false;
}

/// True when a token names an expert twice. Each expert remembers the last token that named it,
/// which takes a compare and a store an id for any number of slots, and no branch.
/// @param ids accepted by all_countable()
bool any_duplicate(std::span<const StoredExpert> ids, std::int64_t slots, std::size_t experts) {
  std::vector<std::int64_t> last_token(experts + 1, -1);  // column 0 is absent
  std::int64_t* const last = last_token.data() + 1;
  bool found = false;
  const StoredExpert* id = ids.data();
  for (std::int64_t token = 0; id != ids.data() + ids.size(); ++token) {
    for (std::int64_t slot = 0; slot < slots; ++slot, ++id) {
      found |= (last[*id] == token) & (*id != kAbsent);
      last[*id] = token;
    }
  }
  return found;
}

}  // namespace

BatchFaults check_batch(const RoutingBatch& batch) {
  BatchFaults faults;
  const auto all = batch.topk_ids.first(static_cast<std::size_t>(batch.assignments()));
  const auto experts = static_cast<std::size_t>(batch.num_experts);
  if (all_countable(all, experts) && !any_duplicate(all, batch.slots, experts)) return faults;
  const auto slots = static_cast<std::size_t>(batch.slots);
  for (std::int64_t token = 0; token < batch.tokens; ++token) {
    const auto ids = batch.topk_ids.subspan(static_cast<std::size_t>(token) * slots, slots);
    const auto bad = std::find_if(ids.begin(), ids.end(), [&](StoredExpert id) {
      return id < kAbsent || id >= batch.num_experts;
    });
    const bool duplicate = has_duplicate(ids);
    if (bad != ids.end()) {
      faults.out_of_range += std::count_if(ids.begin(), ids.end(), [&](StoredExpert id) {
        return id < kAbsent || id >= batch.num_experts;
      });
    }
    faults.duplicate_tokens += duplicate ? 1 : 0;
    if ((bad != ids.end() || duplicate) && faults.first_bad_token < 0) {
      faults.first_bad_token = token;
      faults.first_bad_id = bad != ids.end() ? *bad : 0;
    }
  }
  return faults;
}

void count_load(const RoutingBatch& batch, std::span<std::int64_t> load) {
  std::vector<std::uint32_t> histogram(kLanes * (load.size() + 1));
  const auto ids = batch.topk_ids.first(static_cast<std::size_t>(batch.assignments()));
  for (std::size_t start = 0; start < ids.size(); start += kBlock) {
    const auto block = ids.subspan(start, std::min(kBlock, ids.size() - start));
    if (all_countable(block, load.size())) {
      count_block(block, histogram, load.size());
    } else {
      for (const auto id : block) {
        if (id >= 0 && static_cast<std::size_t>(id) < load.size()) {
          ++load[static_cast<std::size_t>(id)];
        }
      }
    }
    const bool may_overflow_soon = start / kBlock % kBlocksPerFlush == kBlocksPerFlush - 1;
    if (may_overflow_soon) flush(histogram, load);
  }
  flush(histogram, load);
}

}  // namespace hotexpert
