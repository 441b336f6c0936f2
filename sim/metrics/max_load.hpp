#pragma once

#include <cstdint>

namespace hotexpert {

/// Expected load of the most loaded of `bins` experts when each of `balls` tokens takes one of
/// them, uniformly and independently (k = 1): E[max] = sum over m >= 0 of 1 - P(max <= m), exact
/// but for rounding. P(max <= m) by filling one expert after another: of n tokens left for e
/// experts, an expert takes Bin(n, 1/e). O(bins * balls * load^2) work for loads around the
/// maximum: for thousands of tokens, not millions.
/// @param balls T >= 0   @param bins E >= 1   @throws std::invalid_argument outside those ranges
double expected_max_load(std::int64_t balls, int bins);

}  // namespace hotexpert
