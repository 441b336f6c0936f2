#pragma once

#include <cstdint>

#include "sim/metrics/drop_spectrum.hpp"
#include "sim/routing/capacity_factor.hpp"

namespace hotexpert {

/// "The smallest factor with at most x of the assignments dropped in at least y of the steps."
struct FactorAnswer {
  Decimal tolerance;                 ///< x, a drop share
  Decimal share_of_steps;            ///< y
  std::int64_t needed_capacity = 0;  ///< rows an expert needs for that
  CapacityFactor setting;            ///< the factor to write, and the capacity the rule makes of it
  double pooled_fraction = 0;        ///< drops over all steps at that capacity
  double padded_rows = 0;            ///< rows a step and layer if every expert is padded to it
  double padding_fraction = 0;       ///< of them, rows without a token
};

/// Answers from the spectra of a layer (or of several), for capacities shared as `scope` says. The
/// answer is exact over the steps summarised: one row less drops more than x in more than 1 - y of
/// them.
/// @param tolerance  index into summary.tolerances()
/// @param groups     scopes a step, each with num_experts bins: the loads of all were one spectrum
/// @throws UsageError where no factor of the rule gives the capacity, or the rule limits ranks
FactorAnswer answer_factor(const SpectrumSummary& summary, std::size_t tolerance,
                           const Decimal& share_of_steps, const CapacityRule& rule,
                           const CapacityScope& scope, std::int64_t groups = 1);

}  // namespace hotexpert
