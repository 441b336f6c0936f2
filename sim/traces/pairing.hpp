#pragma once

#include <cstdint>
#include <span>

#include "sim/base/random.hpp"
#include "sim/core/ids.hpp"

namespace hotexpert {

/// Lets chosen experts bring their partners along: each token's experts are taken in order, and
/// with probability `strength` an expert is followed by its partner, as long as there is room; the
/// last ones drawn give way. Tokens keep k distinct experts.
/// @param expert_of_position [E]; positions 2 i and 2 i + 1 are partners
/// @param ids [rows, top_k], changed in place; row = token
void pair_experts(double strength, std::span<const StoredExpert> expert_of_position,
                  const RandomKey& key, std::span<const std::uint32_t> tokens, int top_k,
                  std::span<StoredExpert> ids);

}  // namespace hotexpert
