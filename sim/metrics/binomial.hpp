#pragma once

#include <cstdint>
#include <span>

namespace hotexpert {

/// P(L = x) for L ~ Bin(n, p), by the saddle-point expansion (Loader 2000, "Fast and accurate
/// computation of binomial probabilities"), in extended precision: relative error below 1e-15 where
/// long double has 64 bits of mantissa.
/// @param n >= 0   @param p in [0, 1]   @return 0 outside [0, n]
long double binomial_probability(std::int64_t n, long double p, std::int64_t x);

/// Expected excess E[max(0, L - capacity)] of L ~ Bin(n, p): the assignments an expert with that
/// load drops. Summed term by term outwards from the capacity, on the side where every term is
/// positive, so that tails keep their digits (relative error below 1e-12 for n up to 1e9, also
/// where P(L > capacity) is 1e-300). No normal approximation. O(sqrt(n p)) terms.
/// @param n independent tokens, >= 0   @param p in [0, 1], as a quotient at full precision
/// @param capacity >= 0
/// @throws std::invalid_argument outside those ranges
double expected_binomial_excess(std::int64_t n, long double p, std::int64_t capacity);

/// The floor: expected dropped share of all assignments under a perfectly uniform router that picks
/// k distinct experts for each token independently: E[(L - C)+] * E / (T k), L ~ Bin(T, k / E). E =
/// 256, k = 8, T = 1024, C = 32 gives 0.0692. 0 for no tokens.
/// @param tokens T >= 0   @param num_experts E >= 1   @param top_k k in [1, E]   @param capacity C
/// >= 0
double expected_drop_fraction(std::int64_t tokens, int num_experts, int top_k,
                              std::int64_t capacity);

/// The same for experts of unequal popularity: sum_i E[(L_i - C)+] / (T k), L_i ~ Bin(T, pi_i).
/// @param inclusion pi_i [E], P(a token chooses expert i), in [0, 1]; they add up to k. See
/// plackett_luce_inclusion
double expected_drop_fraction(std::int64_t tokens, std::span<const double> inclusion,
                              std::int64_t capacity);

}  // namespace hotexpert
