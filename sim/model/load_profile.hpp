#pragma once

#include <cstdint>
#include <vector>

namespace hotexpert {

/// A family of loads with one knob: experts of Zipf popularity, k distinct ones a token. Its skew
/// is the expected max/mean load, E / k * (largest Plackett-Luce inclusion probability); the
/// exponent that gives it is found by bisection. Which expert is hot is drawn, so that heat is not
/// position.
class LoadProfile {
 public:
  /// @param skew expected max/mean load in [1, E / k); what lies above the reach of exponent 8 is
  /// refused.   @throws UsageError naming the reachable range
  LoadProfile(int num_experts, int top_k, double skew);

  /// The skew of exponent 8: just below E / k.
  static double largest_skew(int num_experts, int top_k);

  /// Loads of one draw: independent Bin(tokens, pi_e) in a shuffled order. Binomials of variance
  /// above 64 are drawn as rounded normals. Equal arguments, equal loads.
  [[nodiscard]] std::vector<std::int64_t> draw(std::int64_t tokens, std::uint32_t draw) const;
  [[nodiscard]] double exponent() const { return exponent_; }

 private:
  std::vector<double> inclusion_;
  double exponent_ = 0;
};

/// Loads equal to +-1 that add up to tokens * top_k.
std::vector<std::int64_t> equal_loads(int num_experts, int top_k, std::int64_t tokens);

/// Rows of the experts of the rank that holds most rows, experts in contiguous blocks.
std::vector<std::int64_t> hottest_rank_rows(const std::vector<std::int64_t>& loads, int ranks);

}  // namespace hotexpert
