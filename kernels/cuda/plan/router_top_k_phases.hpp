#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"

namespace hotexpert {

/// How router logits become gate weights.
enum class RouterScore : std::uint8_t {
  kSoftmax,        ///< softmax over all experts, the chosen ones' weights summing to less than 1
  kSoftmaxChosen,  ///< softmax over the chosen experts alone
  kSigmoid,        ///< 1 / (1 + e^-x), divided by the chosen ones' sum
};

/// Logits [tokens, num_experts] and what the router makes of them.
struct RouterTopK {
  const float* logits = nullptr;
  int num_experts = 0;
  int top_k = 0;
  RouterScore score = RouterScore::kSoftmax;
  std::int32_t* expert = nullptr;         ///< [tokens, k] by falling logit; ties: lower id first
  float* weight = nullptr;                ///< [tokens, k]
  std::int32_t* invalid_token = nullptr;  ///< [tokens] 1: fewer than k logits were numbers
};

/// A number that orders floats as they are ordered, NaN below all. (-0 and +0 are equal.)
HOTEXPERT_HOST_DEVICE std::uint32_t logit_order(float value) {
  if (!(value == value)) return 0;
  union {
    float number;
    std::uint32_t bits;
  } both;
  both.number = value == 0.0F ? 0.0F : value;
  const std::uint32_t sign = both.bits >> 31;
  return sign != 0 ? ~both.bits : both.bits | 0x80000000U;
}

/// e^(x - highest), where infinite logits share everything: 1 for the highest, 0 for the others.
HOTEXPERT_HOST_DEVICE float shifted_exp(float x, float highest) {
  if (x == highest) return 1.0F;
  return std::isinf(highest) ? 0.0F : expf(x - highest);
}

/// Routes one token: k distinct ids in range with finite weights, or -1 and weight 0 in every slot
/// and invalid_token = 1 when fewer than k logits are numbers. An expert's slot is the number of
/// experts before it in the order, so ids cannot repeat. Work: E^2 comparisons a token, no atomics.
/// @param order [E] scratch   @param block anything with each(n, f), see block_phases.cuh
template <class Block>
HOTEXPERT_HOST_DEVICE void route_token(const Block& block, const RouterTopK& router,
                                       std::int64_t token, std::uint32_t* order) {
  const float* logits = router.logits + token * router.num_experts;
  std::int32_t* expert = router.expert + token * router.top_k;
  float* weight = router.weight + token * router.top_k;
  block.each(router.num_experts, [&](int e) { order[e] = logit_order(logits[e]); });
  block.each(router.num_experts, [&](int e) {
    const std::uint32_t mine = order[e];
    int before = 0;
    for (int f = 0; f < router.num_experts; ++f)
      before += order[f] > mine || (order[f] == mine && f < e) ? 1 : 0;
    if (before < router.top_k) expert[before] = mine == 0 ? -1 : e;
  });
  block.each(1, [&](int) {
    const bool invalid = expert[router.top_k - 1] < 0;
    router.invalid_token[token] = invalid ? 1 : 0;
    if (invalid) {
      for (int s = 0; s < router.top_k; ++s) {
        expert[s] = -1;
        weight[s] = 0.0F;
      }
      return;
    }
    const float highest = logits[expert[0]];
    float sum = 0.0F;
    for (int s = 0; s < router.top_k; ++s) {
      const float x = logits[expert[s]];
      weight[s] = router.score == RouterScore::kSigmoid ? 1.0F / (1.0F + expf(-x))
                                                        : shifted_exp(x, highest);
      sum += weight[s];
    }
    if (router.score == RouterScore::kSoftmax) {
      sum = 0.0F;
      for (int e = 0; e < router.num_experts; ++e)
        if (order[e] != 0) sum += shifted_exp(logits[e], highest);
    }
    // Sigmoids of very negative logits are all zero: equal shares then.
    for (int s = 0; s < router.top_k; ++s)
      weight[s] = sum > 0.0F ? weight[s] / sum : 1.0F / static_cast<float>(router.top_k);
  });
}

}  // namespace hotexpert
