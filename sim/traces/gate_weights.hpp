#pragma once

#include <cstdint>
#include <span>

#include "sim/base/random.hpp"
#include "sim/core/ids.hpp"
#include "sim/traces/popularity_table.hpp"

namespace hotexpert {

/// Gate weights of one token: k exponentials, largest first, that sum to 1. Keyed by (key, token)
/// with purpose kGateWeight.
/// @param weights [k]
void draw_gate_weights(const RandomKey& key, std::uint32_t token, std::span<float> weights);

/// The same numbers for many tokens, in loops over tokens.
/// @param tokens token indices, each also the token's row in `weights`
/// @param weights [rows, k]
void draw_gate_weights(const RandomKey& key, std::span<const std::uint32_t> tokens, int top_k,
                       std::span<float> weights);

/// Router scores of one token that agree with the experts it drew: the k chosen ones are the k
/// largest, in slot order. Drawn from the law of the exponential race that Plackett-Luce is, given
/// its first k finishers; score = (1 / arrival time), normalised to sum 1.
/// @param chosen [k] experts in draw order   @param scores [E]
void draw_scores(const PopularityTable& table, const RandomKey& key, std::uint32_t token,
                 std::span<const StoredExpert> chosen, std::span<float> scores);

}  // namespace hotexpert
