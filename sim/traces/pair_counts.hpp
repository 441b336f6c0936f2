#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/ids.hpp"

namespace hotexpert {

/// How often two experts meet on a token, in one layer.
class PairCounts {
 public:
  /// Tables of pairs are E x E: beyond this many experts they are not kept.
  static constexpr int kMostExperts = 512;

  explicit PairCounts(int num_experts);

  /// Ids out of range and absent ones meet nobody.
  void add(std::span<const StoredExpert> token);

  [[nodiscard]] std::int64_t tokens() const { return tokens_; }
  [[nodiscard]] std::int64_t load(std::size_t expert) const { return load_[expert]; }
  [[nodiscard]] std::int64_t pairs(std::size_t a, std::size_t b) const {
    return pairs_[a < b ? a * experts_ + b : b * experts_ + a];
  }
  [[nodiscard]] std::int64_t all_pairs() const { return all_pairs_; }

  /// Mean over the pairs that met of n_ij T / (c_i c_j): how much oftener experts of a token meet
  /// than if each was chosen for itself. 1 - 1/k for a uniform router and long traces; 0 without
  /// pairs.
  [[nodiscard]] double lift() const;

 private:
  std::size_t experts_;
  std::int64_t tokens_ = 0;
  std::int64_t all_pairs_ = 0;
  std::vector<std::int64_t> load_;   // [E]
  std::vector<std::int64_t> pairs_;  // [E, E], above the diagonal
};

}  // namespace hotexpert
