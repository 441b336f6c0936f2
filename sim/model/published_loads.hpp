#pragma once

#include <cstdint>
#include <vector>

namespace hotexpert {

/// The routing under which published latencies were measured (see PublishedRow).
struct PublishedRouting {
  std::int64_t tokens = 0;  ///< T
  int num_experts = 0;      ///< E
  int top_k = 0;            ///< k
  int ranks = 1;            ///< experts are contiguous, E / ranks each
};

/// Loads of all E experts when token t takes experts floor(t * min(1, s / T) + i * s) mod E for
/// i = 0 … k-1, s = ceil(E / k): equal loads, or one row each on evenly spread experts when T < s.
std::vector<std::int64_t> balanced_loads(const PublishedRouting& routing);

/// Loads of all E experts under a power law of the *loads*: x_e with density ~ x^-alpha on
/// [1, 0.8 T] where T k > E, else on [0.01, 2]; scaled to sum T k, rounded, cut at T. What was cut,
/// and what rounding left over, goes row by row to the ranks in turn, there to the expert with the
/// fewest rows; a surplus is taken from the fullest. The rank with the most rows then changes
/// places with rank 0. Draws are keyed: equal arguments give equal loads on any machine.
/// @param alpha > 0, not 1   @param draw which of the independent draws
std::vector<std::int64_t> power_law_loads(const PublishedRouting& routing, double alpha,
                                          std::uint32_t draw);

}  // namespace hotexpert
