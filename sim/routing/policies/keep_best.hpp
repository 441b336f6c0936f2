#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "sim/routing/drop_scope.hpp"

namespace hotexpert {

/// Keeps in each bin the assignments of the smallest ranks; equal ranks by position (token * slots
/// + slot). Average O(assignments) a scope.
/// @param ranks [tokens of the scope, slots], each below 2^33
void keep_best(const DropScope& scope, std::span<const std::uint64_t> ranks, KeptAssignments& kept);

/// A gate weight as a number below 2^32 that is smaller the larger the weight; NaN counts as the
/// lowest weight, -0 as 0.
inline std::uint64_t falling_rank(float weight) {
  const float orderable =
      std::isnan(weight) ? -std::numeric_limits<float>::infinity() : weight + 0.0F;
  const auto bits = std::bit_cast<std::uint32_t>(orderable);
  constexpr std::uint32_t kSign = 0x80000000U;
  return (bits & kSign) != 0 ? bits : ~(bits | kSign);
}

/// The gate weights of a scope's tokens.
inline std::span<const float> weights_of(const DropScope& scope) {
  const auto slots = static_cast<std::size_t>(scope.batch.slots);
  return scope.batch.topk_weights.subspan(
      static_cast<std::size_t>(scope.first_token) * slots,
      static_cast<std::size_t>(scope.end_token - scope.first_token) * slots);
}

}  // namespace hotexpert
