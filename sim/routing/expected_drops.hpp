#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/routing/drops_query.hpp"

namespace hotexpert {

/// Routing in expectation: tokens that choose k distinct experts independently of each other.
struct ExpectedRouting {
  std::int64_t tokens = 0;  ///< T, a step
  int num_experts = 1;      ///< E
  int top_k = 1;            ///< k
  int num_ranks = 1;
  std::span<const double> popularity = {};  ///< [E] Plackett-Luce weights; empty = uniform
};

/// The table in closed form, provenance `expected`: each expert's load is Bin(T, pi_i) with pi_i
/// the Plackett-Luce inclusion probability (k / E when uniform). No sampling, no normal
/// approximation. Policies do not matter: they decide which, not how many. Unsupported, with the
/// reason: `device`, since a token adds several dependent assignments to a rank.
/// @throws UsageError for an unknown rule, or popularity that cannot give k experts
std::vector<DropsRow> expected_drops(const DropsQuery& query, const ExpectedRouting& routing);

}  // namespace hotexpert
