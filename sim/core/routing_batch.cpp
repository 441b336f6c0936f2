#include "sim/core/routing_batch.hpp"

#include <algorithm>

namespace hotexpert {
namespace {

constexpr std::size_t kLanes =
    4;  // independent histograms: neighbouring equal ids do not wait for each other's store

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

}  // namespace

BatchFaults check_batch(const RoutingBatch& batch) {
  BatchFaults faults;
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
  // Ids are shifted by one, so that absent (-1) lands in bin 0; what is out of range lands in the
  // last bin.
  const auto bins = static_cast<std::size_t>(batch.num_experts) + 2;
  std::vector<std::uint32_t> histogram(kLanes * bins);
  const auto overflow = static_cast<std::uint32_t>(bins - 1);
  const auto bin = [&](StoredExpert id) {
    return std::min(static_cast<std::uint32_t>(static_cast<std::uint16_t>(id + 1)), overflow);
  };
  const std::span<const StoredExpert> ids =
      batch.topk_ids.first(static_cast<std::size_t>(batch.assignments()));
  const std::size_t whole = ids.size() / kLanes * kLanes;
  constexpr std::size_t kFlush = std::size_t{1}
                                 << 31;  // 32-bit bins cannot overflow between flushes
  std::size_t i = 0;
  while (i < whole) {
    const std::size_t end = std::min(whole, i + kFlush);
    for (; i < end; i += kLanes) {
      ++histogram[0 * bins + bin(ids[i])];
      ++histogram[1 * bins + bin(ids[i + 1])];
      ++histogram[2 * bins + bin(ids[i + 2])];
      ++histogram[3 * bins + bin(ids[i + 3])];
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      for (std::size_t e = 0; e < load.size(); ++e) {
        load[e] += histogram[lane * bins + e + 1];
        histogram[lane * bins + e + 1] = 0;
      }
    }
  }
  for (; i < ids.size(); ++i) {
    const auto e = bin(ids[i]);
    if (e > 0 && e < overflow) ++load[e - 1];
  }
}

}  // namespace hotexpert
