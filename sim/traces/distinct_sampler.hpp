#pragma once

#include <cstdint>
#include <span>

#include "sim/base/random.hpp"
#include "sim/core/ids.hpp"
#include "sim/traces/popularity_table.hpp"

namespace hotexpert {

/// Draws k distinct experts for each token, one after another in proportion to the popularity of
/// those left (Plackett-Luce): alias draws with rejection of repeats, then, for the few tokens that
/// keep repeating, exact draws among the rest. Repeating never biases the law: a rejected draw
/// leaves the conditional law of the next unchanged.
/// The numbers of a token are philox(key, token, 0, 1, 2, …): four alias draws a block, then two
/// exact draws a block. Nothing depends on how tokens are grouped into calls.
/// @param tokens token indices, each also the token's row in `ids`
/// @param ids [rows, top_k]: slots in draw order, which is falling weight
/// @param top_k in [1, table.num_experts()]
void draw_distinct(const PopularityTable& table, const RandomKey& key,
                   std::span<const std::uint32_t> tokens, int top_k, std::span<StoredExpert> ids);

}  // namespace hotexpert
