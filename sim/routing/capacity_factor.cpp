#include "sim/routing/capacity_factor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

__extension__ using Int128 = __int128;

constexpr int kDecimals = 6;
constexpr int kMostDecimals = 12;
constexpr std::int64_t kMostUnits = 999'999'999'999'999;  // a Decimal's 15 digits

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The smallest share (see CapacityFormula) whose capacity is >= rows.
std::int64_t share_for_rows(const CapacityFormula& f, std::int64_t rows) {
  const std::int64_t before_alignment = ceil_div(rows, f.alignment) * f.alignment - f.alignment + 1;
  if (rows <= 0 || before_alignment <= f.minimum) return 0;
  return ceil_div(before_alignment * f.post_divisor, f.multiplier);
}

/// share * divisor / (numerator * factor_scale) with `decimals` decimals, rounded to the side that
/// the rule's own rounding forgives: up before a floor, down before a ceiling.
std::optional<Decimal> rounded_factor(const CapacityFormula& f, std::int64_t share, int decimals) {
  const std::int64_t power = Decimal(1, decimals).denominator();
  const Int128 top = Int128{share} * f.divisor * power;
  const Int128 bottom = Int128{f.numerator} * f.factor_scale;
  Int128 units = top / bottom;
  if (f.rounding == Rounding::kFloor && units * bottom != top) ++units;
  if (units > kMostUnits) return std::nullopt;
  return Decimal::parse(Decimal(static_cast<std::int64_t>(units), decimals).to_string());
}

}  // namespace

CapacityFactor factor_for_rows(const CapacityRule& rule, const CapacityScope& scope,
                               std::int64_t rows) {
  if (const auto reason = rule.unsupported(scope.top_k)) throw UsageError(*reason);
  const CapacityFormula formula = rule.formula(scope);
  const std::int64_t share = share_for_rows(formula, rows);
  if (share == 0) {
    // Tutel reads 0 as "the largest load": the least factor that is a factor stands for no rows.
    const Decimal none = formula.follows_load ? Decimal(1, kDecimals) : Decimal(0, 0);
    return {none, capacity_of(formula, none, 0).value()};
  }
  const auto gives = [&](const Decimal& factor) {
    return capacity_of(formula, factor, std::nullopt).value();
  };
  if (formula.numerator > 0) {
    for (int decimals = kDecimals; decimals <= kMostDecimals; ++decimals) {
      const auto factor = rounded_factor(formula, share, decimals);
      if (!factor || *factor > Decimal(kLargestFactor, 0)) break;
      const auto capacity = gives(*factor);
      if (factor->sign() > 0 && capacity >= rows) return {*factor, capacity};
    }
  }
  throw UsageError(
      fmt::format("capacity.rule '{}': no factor gives {} rows to {} experts for {} tokens",
                  rule.to_string(), rows, scope.num_experts, scope.tokens));
}

CapacityFactor translate_factor(const CapacityRule& from, const Decimal& factor,
                                const CapacityRule& to, const CapacityScope& scope) {
  if (from.row().bin != to.row().bin) {
    throw UsageError(fmt::format(
        "capacity.rule: '{}' and '{}' cannot be translated, one limits experts, the other ranks",
        from.to_string(), to.to_string()));
  }
  if (from.formula(scope).follows_load && factor.sign() <= 0) {
    throw UsageError(fmt::format(
        "capacity.factor {} in '{}' follows the load: no factor of another rule equals it",
        factor.to_string(), from.to_string()));
  }
  return factor_for_rows(to, scope, capacity_of(from, scope, factor, std::nullopt).value());
}

std::string describe_translation(const CapacityRule& from, const Decimal& factor,
                                 const CapacityRule& to, const CapacityScope& scope) {
  const CapacityFactor there = translate_factor(from, factor, to, scope);
  const auto here = capacity_of(from, scope, factor, std::nullopt).value();
  const std::string sentence =
      fmt::format("CF {} in {} is {} in {} here", factor.to_string(), from.to_string(),
                  there.factor.to_string(), to.to_string());
  if (there.capacity == here) return fmt::format("{} ({} rows)", sentence, here);
  return fmt::format("{} ({} rows; {} gives {}, the nearest above)", sentence, here, to.to_string(),
                     there.capacity);
}

}  // namespace hotexpert
