#pragma once

#include <cstdint>
#include <string>

#include "sim/base/decimal.hpp"
#include "sim/routing/capacity_rule.hpp"

namespace hotexpert {

/// The factor that gives `rule` room for `rows` rows in `scope`, and what it gives.
struct CapacityFactor {
  Decimal factor;
  std::int64_t capacity =
      0;  ///< capacity_of(rule, scope, factor), the smallest the rule has >= rows
};

/// Inverse of capacity_of: the factor whose product, before the rule rounds it, is exactly the
/// smallest capacity >= rows that the rule can give: 1.25 for 40 rows of 4096 assignments over 128
/// experts. Where that factor has more than six decimals it is cut to the fewest decimals, from six
/// on, that still give this capacity. 0 where the rule's minimum is enough.
/// @param rows in [0, 2^40]
/// @throws UsageError where the scope is empty or no factor up to kLargestFactor gives so many rows
CapacityFactor factor_for_rows(const CapacityRule& rule, const CapacityScope& scope,
                               std::int64_t rows);

/// "CF 1.25 in megatron is 1.3125 in tutel here": the factor of `to` that gives at least the rows
/// that `factor` gives in `from`.
/// @throws UsageError where one rule limits experts and the other ranks, or as factor_for_rows
CapacityFactor translate_factor(const CapacityRule& from, const Decimal& factor,
                                const CapacityRule& to, const CapacityScope& scope);

/// The translation as a sentence, with both capacities where they differ.
std::string describe_translation(const CapacityRule& from, const Decimal& factor,
                                 const CapacityRule& to, const CapacityScope& scope);

}  // namespace hotexpert
