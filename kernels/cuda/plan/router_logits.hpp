#pragma once

#include <cstdint>
#include <vector>

#include "kernels/expert_rows.hpp"

namespace hotexpert {

/// Sizes of the router inside a timed step: it chooses among the routed physical experts.
struct RouterSize {
  int num_experts = 0;
  int top_k = 0;  ///< at most num_experts
  int slots = 0;  ///< of a token, as the plan has them
};

/// @param num_shared experts that every token passes, which no router chooses
RouterSize router_size(const ExpertRows& rows, int num_shared);

/// Experts of each token's kept slots, in slot order, each once; -1 behind them.
/// @return [tokens, top_k]
std::vector<std::int32_t> kept_choices(const ExpertRows& rows, const RouterSize& size);

/// Logits whose top-k begins with kept_choices(): those fall from 16 to above 8 by slot, all others
/// are drawn, below 5 in size. What a slot without a row would be is the router's own choice.
/// @return [tokens, num_experts], functions of the seed
std::vector<float> router_logits(const std::vector<std::int32_t>& choices, const RouterSize& size,
                                 std::uint64_t seed);

/// True when each token's ids begin with its kept choices.
/// @param routed [tokens, top_k] as the device chose
bool begins_with(const std::vector<std::int32_t>& routed, const std::vector<std::int32_t>& choices,
                 const RouterSize& size);

}  // namespace hotexpert
