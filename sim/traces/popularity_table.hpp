#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/ids.hpp"

namespace hotexpert {

/// Popularity of E experts in integers, ready to draw from: identical on every machine.
/// Weights are popularity / sum * 2^46, rounded, at least 1 (so any k experts can be drawn), and
/// sum to 2^46 exactly.
class PopularityTable {
 public:
  static constexpr int kWeightBits = 46;

  /// @param popularity [E], 1 <= E <= 32767; values >= 0 and finite, sum > 0
  explicit PopularityTable(std::span<const double> popularity);

  [[nodiscard]] int num_experts() const { return static_cast<int>(alias_.size()); }

  /// An expert in proportion to popularity, from 32 random bits (alias method, Walker 1977): the
  /// probability of each expert is within 2^-31 of its popularity.
  [[nodiscard]] StoredExpert draw(std::uint32_t word) const {
    const std::uint64_t product = std::uint64_t{word} * alias_.size();
    const Bucket& bucket = alias_[static_cast<std::size_t>(product >> 32)];
    const bool own = static_cast<std::uint32_t>(product) < bucket.threshold;
    return own ? bucket.own : bucket.other;
  }

  /// An expert in proportion to popularity among those not in `taken`, from 64 random bits; the
  /// exact law, in O(taken + log E).
  /// @param taken distinct experts, fewer than E, ascending
  [[nodiscard]] StoredExpert draw_other(std::uint64_t bits,
                                        std::span<const StoredExpert> taken) const;

  /// Weight of an expert, of 2^46.
  [[nodiscard]] std::uint64_t weight(StoredExpert expert) const {
    const auto e = static_cast<std::size_t>(expert);
    return cumulative_[e + 1] - cumulative_[e];
  }

 private:
  struct Bucket {
    std::uint32_t threshold = 0;
    StoredExpert own = 0;
    StoredExpert other = 0;
  };
  void build_alias(std::span<const std::uint64_t> weights);
  /// The expert in whose weight a position in [0, 2^46) lies.
  [[nodiscard]] StoredExpert holder_of(std::uint64_t position) const;

  std::vector<Bucket> alias_;              // [E]
  std::vector<std::uint64_t> cumulative_;  // [E + 1] weight of the experts before
};

}  // namespace hotexpert
