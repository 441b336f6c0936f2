#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace hotexpert {

/// An exact decimal number, `units / 10^scale`, as the user wrote it: 1.1 is eleven tenths, not a
/// double. Capacities are computed from it without rounding (400 assignments, 8 experts, factor 1.1
/// give 55, not 56).
class Decimal {
 public:
  constexpr Decimal() = default;
  constexpr Decimal(std::int64_t units, int scale) : units_(units), scale_(scale) {}

  /// Reads "1.25", "-2", ".5", "1e-4". At most 15 significant digits and |exponent| <= 15.
  /// @throws UsageError naming the text otherwise.
  static Decimal parse(std::string_view text);

  [[nodiscard]] constexpr std::int64_t units() const { return units_; }
  /// Power of ten below the units: the value is units / 10^scale; 0 <= scale <= 15.
  [[nodiscard]] constexpr int scale() const { return scale_; }
  [[nodiscard]] std::int64_t denominator() const;  ///< 10^scale
  [[nodiscard]] double to_double() const;          ///< the nearest double
  [[nodiscard]] std::string to_string() const;     ///< shortest decimal text: "1.25", "2"
  [[nodiscard]] int sign() const { return (units_ > 0) - (units_ < 0); }

  friend bool operator==(const Decimal& a, const Decimal& b);
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);

 private:
  std::int64_t units_ = 0;
  int scale_ = 0;
};

/// floor(count * factor / divisor), exactly.   @param divisor > 0   @throws UsageError on overflow
/// of 63 bits.
std::int64_t floor_product(std::int64_t count, const Decimal& factor, std::int64_t divisor = 1);

/// ceil(count * factor / divisor), exactly.   @param divisor > 0   @throws UsageError on overflow
/// of 63 bits.
std::int64_t ceil_product(std::int64_t count, const Decimal& factor, std::int64_t divisor = 1);

}  // namespace hotexpert
