#include "sim/routing/capacity_formula.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

std::int64_t exact_share(const CapacityFormula& f, const Decimal& factor) {
  const std::int64_t count = f.numerator * f.factor_scale;
  return f.rounding == Rounding::kCeil ? ceil_product(count, factor, f.divisor)
                                       : floor_product(count, factor, f.divisor);
}

std::int64_t double_share(const CapacityFormula& f, const Decimal& exact_factor) {
  const double factor = exact_factor.to_double() * static_cast<double>(f.factor_scale);
  const auto numerator = static_cast<double>(f.numerator);
  const auto divisor = static_cast<double>(f.divisor);
  const double share =
      f.divides_first ? numerator / divisor * factor : numerator * factor / divisor;
  return static_cast<std::int64_t>(f.rounding == Rounding::kCeil ? std::ceil(share)
                                                                 : std::floor(share));
}

}  // namespace

std::optional<std::int64_t> capacity_of(const CapacityFormula& formula, const Decimal& factor,
                                        std::optional<std::int64_t> largest_load,
                                        bool float_compat) {
  if (factor.sign() < 0 && !formula.follows_load) {
    throw UsageError(fmt::format(
        "capacity.factor {}: a negative factor has a meaning in the rule 'tutel' only (write a "
        "factor >= 0, or none for dropless)",
        factor.to_string()));
  }
  if (formula.follows_load && factor.sign() == 0 && !largest_load) return std::nullopt;
  const Decimal magnitude =
      std::min(Decimal{std::abs(factor.units()), factor.scale()}, Decimal{kLargestFactor, 0});
  const std::int64_t share =
      float_compat ? double_share(formula, magnitude) : exact_share(formula, magnitude);
  std::int64_t capacity = share * formula.multiplier / formula.post_divisor;
  if (formula.follows_load && largest_load) {
    if (factor.sign() == 0) capacity = *largest_load;
    if (factor.sign() < 0) capacity = std::min(capacity, *largest_load);
  }
  capacity = std::max(capacity, formula.minimum);
  return (capacity + formula.alignment - 1) / formula.alignment * formula.alignment;
}

}  // namespace hotexpert
