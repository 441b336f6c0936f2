#include "sim/traces/token_scan.hpp"

#include <algorithm>

#include "sim/traces/id_lanes.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kChunkIds = 8192;        // 16 KiB: stays in the first cache level
constexpr std::size_t kMostHits = 0xffff - 1;  // of a 16-bit lane

}  // namespace

TokenScan::TokenScan(const TraceArrays& arrays, int num_experts)
    : arrays_(arrays),
      layers_(static_cast<std::size_t>(arrays.layers())),
      slots_(static_cast<std::size_t>(arrays.slots())),
      row_(layers_ * slots_),
      experts_(static_cast<std::size_t>(num_experts)),
      chunk_max_(std::max<std::size_t>(8, kChunkIds / row_)),
      in_groups_(slots_ <= kIdLanes && kIdLanes % slots_ == 0),
      absent_(arrays.absent_id ? narrow_id(*arrays.absent_id) : kUnfitId),
      chunk_((chunk_max_ + 1) * row_ + 2 * kIdLanes, static_cast<std::uint16_t>(num_experts)),
      counts_(layers_ * (experts_ + 1)),
      hits_((in_groups_ ? row_ : 0) * kIdLanes),
      hits_left_(kMostHits),
      common_(layers_) {}

void TokenScan::add(std::int64_t first, std::int64_t last, std::vector<std::int64_t>& load) {
  const auto flush = [&] {
    for (std::size_t layer = 0; layer < layers_; ++layer) {
      std::uint32_t* const counts = counts_.data() + layer * (experts_ + 1);
      for (std::size_t e = 0; e < experts_; ++e) load[layer * experts_ + e] += counts[e];
      std::fill_n(counts, experts_ + 1, 0U);
    }
  };
  constexpr std::int64_t kTokensAFlush = std::int64_t{1} << 16;  // * slots: below 2^32
  std::int64_t counted = 0;
  while (first < last) {
    const auto tokens = std::min(static_cast<std::int64_t>(chunk_max_), last - first);
    add_chunk(first, tokens);
    first += tokens;
    counted += tokens;
    if (counted + static_cast<std::int64_t>(chunk_max_) <= kTokensAFlush) continue;
    flush();
    counted = 0;
  }
  flush();
}

void TokenScan::add_chunk(std::int64_t first, std::int64_t tokens) {
  const auto count = static_cast<std::size_t>(tokens) * row_;
  with_integer_type(arrays_.topk_ids.type, [&](auto element) {
    using T = decltype(element);
    sanitize<T>(arrays_.topk_ids.data + static_cast<std::size_t>(first) * row_ * sizeof(T), count);
  });
  const auto chunk_tokens = static_cast<std::size_t>(tokens);
  if (chunk_tokens / kIdLanes + 1 > hits_left_) flush_common();
  hits_left_ -= chunk_tokens / kIdLanes + 1;
  if (!in_groups_) {
    overlap_by_row(chunk_tokens);
    count_chunk<0>(chunk_tokens);
  } else if (slots_ == 1) {
    overlap_in_groups<1>(count);
    count_chunk<1>(chunk_tokens);
  } else if (slots_ == 2) {
    overlap_in_groups<2>(count);
    count_chunk<2>(chunk_tokens);
  } else if (slots_ == 4) {
    overlap_in_groups<4>(count);
    count_chunk<4>(chunk_tokens);
  } else {
    overlap_in_groups<8>(count);
    count_chunk<8>(chunk_tokens);
  }
  std::copy_n(chunk_.begin() + static_cast<std::ptrdiff_t>(count), row_, chunk_.begin());
}

/// Ids of the chunk as 16 bits, behind the token before; what is no expert becomes E.
template <class T>
void TokenScan::sanitize(const std::byte* ids, std::size_t count) {
  const auto none = static_cast<std::uint16_t>(experts_);
  const IdLanes experts = all_lanes(none);
  const IdLanes absent = all_lanes(absent_);
  std::uint16_t* const to = chunk_.data() + row_;
  std::size_t i = 0;
  for (; i + kIdLanes <= count; i += kIdLanes) {
    const IdLanes id = narrow_lanes<T>(ids + i * sizeof(T));
    const auto valid = reinterpret_cast<IdLanes>((id < experts) & (id != absent));
    store_lanes(to + i, (id & valid) | (experts & ~valid));
  }
  for (; i < count; ++i) {
    const auto id = narrow_id(load_element<T>(ids, static_cast<std::int64_t>(i)));
    to[i] = id < none && id != absent_ ? id : none;
  }
  std::fill_n(to + count, kIdLanes, none);
}

/// Lane j of hits_ v counts the ids at place 8 v + j of eight tokens in a row, whose layer is
/// known.
template <int k>
void TokenScan::overlap_in_groups(std::size_t count) {
  const IdLanes none = all_lanes(static_cast<std::uint16_t>(experts_));
  const std::uint16_t* before = chunk_.data();
  for (std::size_t i = 0; i < count;) {
    std::uint16_t* hits = hits_.data();
    for (std::size_t v = 0; v < row_ && i < count; ++v, i += kIdLanes, hits += kIdLanes) {
      const IdLanes cur = load_lanes(before + row_ + i);
      const IdLanes hit =
          matches<k>(cur, load_lanes(before + i)) & reinterpret_cast<IdLanes>(cur != none);
      store_lanes(hits, load_lanes(hits) - hit);
    }
  }
}

/// Any number of slots: a row at a time, in blocks of eight lanes.
void TokenScan::overlap_by_row(std::size_t tokens) {
  const IdLanes none = all_lanes(static_cast<std::uint16_t>(experts_));
  const std::uint16_t* before = chunk_.data();
  for (std::size_t token = 0; token < tokens; ++token) {
    for (std::size_t layer = 0; layer < layers_; ++layer, before += slots_) {
      IdLanes sum{};
      for (std::size_t a = 0; a < slots_; a += kIdLanes) {
        const IdLanes cur = load_lanes(before + row_ + a);
        IdLanes hit{};
        for (std::size_t b = 0; b < slots_; b += kIdLanes) {
          const IdLanes of_row = first_lanes(slots_ - b);
          hit |= matches<8>(cur, (load_lanes(before + b) & of_row) | ~of_row);
        }
        sum -= hit & reinterpret_cast<IdLanes>(cur != none) & first_lanes(slots_ - a);
      }
      for (std::size_t lane = 0; lane < kIdLanes; ++lane) common_[layer] += sum[lane];
    }
  }
}

/// @param k the slots when they are known to the compiler, or 0
template <int k>
void TokenScan::count_chunk(std::size_t tokens) {
  const std::size_t slots = k > 0 ? static_cast<std::size_t>(k) : slots_;
  // A layer at a time: its counts stay in the first cache level.
  for (std::size_t layer = 0; layer < layers_; ++layer) {
    std::uint32_t* const counts = counts_.data() + layer * (experts_ + 1);
    const std::uint16_t* ids = chunk_.data() + row_ + layer * slots_;
    for (std::size_t token = 0; token < tokens; ++token, ids += row_) {
      for (std::size_t slot = 0; slot < slots; ++slot) ++counts[ids[slot]];
    }
  }
}

void TokenScan::flush_common() {
  if (in_groups_) {
    for (std::size_t i = 0; i < hits_.size(); ++i) common_[i % row_ / slots_] += hits_[i];
    std::fill(hits_.begin(), hits_.end(), std::uint16_t{0});
  }
  hits_left_ = kMostHits;
}

std::vector<std::int64_t> TokenScan::common() const {
  TokenScan flushed = *this;
  flushed.flush_common();
  return flushed.common_;
}

}  // namespace hotexpert
