#pragma once

#include <cstdint>
#include <span>

#include "sim/base/random.hpp"
#include "sim/core/ids.hpp"
#include "sim/traces/popularity_table.hpp"

namespace hotexpert {

struct GroupLimit {
  int top_k = 1;
  int groups = 1;       ///< equal groups of neighbouring experts
  int topk_groups = 1;  ///< groups a token may use
};

/// Top-k inside the best groups, as DeepSeek-V3 routes: every expert gets the logit ln popularity +
/// Gumbel noise (so that plain top-k of it is Plackett-Luce), a group scores the sum of its two
/// highest sigmoids, and the k highest logits of the best groups are chosen, highest first. Ties
/// go to the lower index. O(E) logarithms a token.
/// @param ids [rows, top_k]; row = token
void draw_group_limited(const PopularityTable& table, const RandomKey& key,
                        std::span<const std::uint32_t> tokens, const GroupLimit& limit,
                        std::span<StoredExpert> ids);

}  // namespace hotexpert
