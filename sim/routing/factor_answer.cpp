#include "sim/routing/factor_answer.hpp"

#include <fmt/format.h>

#include "sim/base/errors.hpp"

namespace hotexpert {

FactorAnswer answer_factor(const SpectrumSummary& summary, std::size_t tolerance,
                           const Decimal& share_of_steps, const CapacityRule& rule,
                           const CapacityScope& scope, std::int64_t groups) {
  if (rule.row().bin == CapacityBin::kRank) {
    throw UsageError(fmt::format(
        "capacity.rule '{}' limits ranks: ask for the smallest factor of a rule by expert",
        rule.to_string()));
  }
  const ValueCounts needed = summary.needed(tolerance);
  FactorAnswer answer{.tolerance = summary.tolerances()[tolerance],
                      .share_of_steps = share_of_steps,
                      .needed_capacity = static_cast<std::int64_t>(needed.covering(share_of_steps)),
                      .setting = {}};
  answer.setting = factor_for_rows(rule, scope, answer.needed_capacity);
  answer.pooled_fraction = summary.pooled_fraction(answer.setting.capacity);
  answer.padded_rows = static_cast<double>(answer.setting.capacity * scope.num_experts * groups);
  const auto steps = static_cast<double>(needed.count());
  if (answer.padded_rows > 0 && steps > 0) {
    const double kept =
        static_cast<double>(summary.assignments()) * (1 - answer.pooled_fraction) / steps;
    answer.padding_fraction = 1 - kept / answer.padded_rows;
  }
  return answer;
}

}  // namespace hotexpert
