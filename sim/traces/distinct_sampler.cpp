#include "sim/traces/distinct_sampler.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "sim/traces/philox_lanes.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kChunk = 256;  // tokens in flight: their words and slots stay in L1

/// Philox blocks spent on rejection before the exact draws begin. Part of the results: changing it
/// changes traces.
constexpr std::uint32_t rejection_blocks(std::size_t top_k) {
  return static_cast<std::uint32_t>(top_k / 2 + 2);
}

/// Draws for chunks of tokens, all tokens of a chunk round by round: first as many Philox blocks as
/// fill k slots without a repeat, then one block at a time for the tokens that still have free
/// slots.
class ChunkSampler {
 public:
  ChunkSampler(const PopularityTable& table, const RandomKey& key, int top_k)
      : table_(table),
        key_(key),
        top_k_(static_cast<std::size_t>(top_k)),
        first_blocks_(static_cast<std::uint32_t>((top_k_ + kPhiloxWords - 1) / kPhiloxWords)),
        words_(first_blocks_ * kPhiloxWords * kChunk),
        slots_(kChunk * (top_k_ + 1)),
        stamp_(static_cast<std::size_t>(table.num_experts())) {}

  void draw(std::span<const std::uint32_t> tokens, std::span<StoredExpert> ids) {
    active_ = tokens.size();
    std::iota(places_.begin(), places_.end(), 0U);
    counts_.fill(0);
    const std::uint32_t last_block = std::max(first_blocks_, rejection_blocks(top_k_));
    std::uint32_t block = 0;
    draw_round(tokens, block, first_blocks_);
    for (block = first_blocks_; block < last_block && active_ > 0; ++block) {
      draw_round(tokens, block, 1);
    }
    for (std::size_t i = 0; i < active_; ++i) {
      finish_exactly(tokens[places_[i]], places_[i], last_block);
    }
    for (std::size_t place = 0; place < tokens.size(); ++place) {
      std::copy_n(slots(place), top_k_, ids.data() + std::size_t{tokens[place]} * top_k_);
    }
  }

 private:
  /// [k + 1] slots of a token; the last takes candidates that come too late.
  [[nodiscard]] StoredExpert* slots(std::size_t place) {
    return slots_.data() + place * (top_k_ + 1);
  }

  /// Offers the candidates of some Philox blocks to every active token, then keeps active those
  /// with free slots.
  void draw_round(std::span<const std::uint32_t> tokens, std::uint32_t block,
                  std::uint32_t blocks) {
    for (std::size_t i = 0; i < active_; ++i) items_[i] = tokens[places_[i]];
    const std::size_t block_words = kPhiloxWords * active_;
    for (std::uint32_t b = 0; b < blocks; ++b) {
      philox_lanes(key_, std::span(items_).first(active_), block + b,
                   std::span(words_).subspan(b * block_words, block_words));
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < active_; ++i) {
      const std::size_t count = offer(places_[i], i, blocks * kPhiloxWords);
      places_[kept] = places_[i];
      kept += static_cast<std::size_t>(count < top_k_);
    }
    active_ = kept;
  }

  /// Fills a token's free slots from `candidates` words, without a branch: a repeat, or a candidate
  /// that comes too late, is written but not counted. Experts the token has carry its stamp.
  std::size_t offer(std::size_t place, std::size_t column, std::size_t candidates) {
    StoredExpert* const chosen = slots(place);
    std::size_t count = counts_[place];
    ++tag_;
    for (std::size_t slot = 0; slot < count; ++slot) stamp_of(chosen[slot]) = tag_;
    for (std::size_t word = 0; word < candidates; ++word) {
      const StoredExpert candidate = table_.draw(words_[word * active_ + column]);
      const bool fresh = stamp_of(candidate) != tag_;
      stamp_of(candidate) = tag_;
      chosen[count] = candidate;
      count += static_cast<std::size_t>(fresh & (count < top_k_));
    }
    counts_[place] = count;
    return count;
  }

  std::uint64_t& stamp_of(StoredExpert expert) { return stamp_[static_cast<std::size_t>(expert)]; }

  /// Two exact draws a Philox block.
  void finish_exactly(std::uint32_t item, std::size_t place, std::uint32_t block) {
    StoredExpert* const chosen = slots(place);
    std::array<std::uint32_t, kPhiloxWords> words{};
    bool second = false;
    taken_.assign(chosen, chosen + counts_[place]);
    std::sort(taken_.begin(), taken_.end());
    for (std::size_t count = counts_[place]; count < top_k_; ++count, second = !second) {
      if (!second) words = philox(key_, item, block++);
      const std::uint64_t bits = second ? std::uint64_t{words[2]} << 32 | words[3]
                                        : std::uint64_t{words[0]} << 32 | words[1];
      const StoredExpert drawn = table_.draw_other(bits, taken_);
      chosen[count] = drawn;
      taken_.insert(std::upper_bound(taken_.begin(), taken_.end(), drawn), drawn);
    }
  }

  const PopularityTable& table_;
  RandomKey key_;
  std::size_t top_k_;
  std::uint32_t first_blocks_;
  std::size_t active_ = 0;                      // tokens with free slots
  std::array<std::uint32_t, kChunk> places_{};  // [active] their places in the chunk
  std::array<std::uint32_t, kChunk> items_{};   // [active] their token indices
  std::array<std::size_t, kChunk> counts_{};    // [chunk] slots filled
  std::vector<std::uint32_t> words_;            // [4 * blocks, active]
  std::vector<StoredExpert> slots_;             // [chunk, k + 1]
  std::vector<std::uint64_t> stamp_;            // [E] the offer that last saw each expert
  std::uint64_t tag_ = 0;
  std::vector<StoredExpert> taken_;  // ascending
};

}  // namespace

void draw_distinct(const PopularityTable& table, const RandomKey& key,
                   std::span<const std::uint32_t> tokens, int top_k, std::span<StoredExpert> ids) {
  ChunkSampler sampler(table, key, top_k);
  for (std::size_t start = 0; start < tokens.size(); start += kChunk) {
    sampler.draw(tokens.subspan(start, std::min(kChunk, tokens.size() - start)), ids);
  }
}

}  // namespace hotexpert
