#pragma once

#include <cstdint>
#include <optional>

#include "sim/base/decimal.hpp"

namespace hotexpert {

/// What a capacity is computed from.
struct CapacityScope {
  std::int64_t tokens = 0;  ///< T: tokens that share the capacity, of all ranks in the scope
  int num_experts = 1;      ///< E
  int top_k = 1;            ///< k
  int num_ranks = 1;        ///< R: expert-parallel ranks
};

enum class Rounding : std::uint8_t { kFloor, kCeil };

/// Every framework's capacity is this one expression with its own numbers:
///
///   share    = round(factor * factor_scale * numerator / divisor)
///   capacity = align(max(minimum, floor(share * multiplier / post_divisor)), alignment)
///
/// A rule (sim/routing/rules) only fills in the numbers, so that exact arithmetic, the frameworks'
/// double arithmetic and translation between frameworks are each written once.
struct CapacityFormula {
  Rounding rounding = Rounding::kFloor;
  std::int64_t numerator = 0;
  std::int64_t divisor = 1;
  std::int64_t factor_scale = 1;  ///< multiplies the factor itself (DeepSpeed's 2 and k)
  std::int64_t multiplier = 1;
  std::int64_t post_divisor = 1;
  std::int64_t minimum = 0;
  std::int64_t alignment = 1;
  /// Doubles are combined as (numerator / divisor) * factor, else as (numerator * factor) /
  /// divisor.
  bool divides_first = true;
  /// Tutel: factor 0 is the largest load, a negative factor the largest load up to -factor.
  bool follows_load = false;
};

/// Factors above this count as this: every expert's load fits many times over.
inline constexpr std::int64_t kLargestFactor = 1'000'000'000;

/// Rows a bin (an expert, or a rank under the rule `device`) may keep.
/// @param factor        exact decimal; negative only where formula.follows_load
/// @param largest_load  assignments of the fullest bin in the scope; read where follows_load and
///                      factor <= 0. nullopt = not known: the result is then the bound alone, or
///                      nullopt for factor 0, which has none
/// @param float_compat  repeat the framework's IEEE double arithmetic: 400 assignments over 8
/// experts
///                      at 1.1 give 56, where the exact product, 55, is whole
/// @return >= 0; 0 where the scope is empty and the rule has no minimum
/// @throws UsageError for a negative factor in a rule that has no meaning for it
std::optional<std::int64_t> capacity_of(const CapacityFormula& formula, const Decimal& factor,
                                        std::optional<std::int64_t> largest_load,
                                        bool float_compat = false);

}  // namespace hotexpert
