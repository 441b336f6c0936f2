#include "sim/base/decimal.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <limits>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

__extension__ using Int128 = __int128;

constexpr int kMaxDigits = 15;

std::int64_t power_of_ten(int exponent) {
  std::int64_t value = 1;
  for (int i = 0; i < exponent; ++i) value *= 10;
  return value;
}

[[noreturn]] void reject(std::string_view text) {
  throw UsageError(fmt::format(
      "'{}' is not a decimal number of at most {} digits (write 1.25, or 1e-4)", text, kMaxDigits));
}

std::int64_t narrow(Int128 value) {
  if (value > std::numeric_limits<std::int64_t>::max() ||
      value < std::numeric_limits<std::int64_t>::min()) {
    throw UsageError(
        "a capacity overflows 63 bits: lower the capacity factor or the number of tokens");
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

Decimal Decimal::parse(std::string_view text) {
  std::size_t i = 0;
  bool negative = false;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) negative = text[i++] == '-';
  std::int64_t units = 0;
  int scale = 0;
  int digits = 0;
  bool any = false;
  bool point = false;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      any = true;
      if (units != 0 || c != '0') ++digits;
      // "1000000000000000" is 1e15 as to_string() writes it: its zeros are no significant digits.
      const bool only_scales = c == '0' && !point && digits <= kMaxDigits + 2;
      if (digits > kMaxDigits && !only_scales) reject(text);
      units = units * 10 + (c - '0');
      if (point && ++scale > 2 * kMaxDigits) reject(text);
    } else {
      break;
    }
  }
  if (!any) reject(text);
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') reject(text);
    ++i;
    int sign = 1;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) sign = text[i++] == '-' ? -1 : 1;
    if (i >= text.size()) reject(text);
    int exponent = 0;
    for (; i < text.size(); ++i) {
      if (text[i] < '0' || text[i] > '9') reject(text);
      exponent = exponent * 10 + (text[i] - '0');
      if (exponent > 2 * kMaxDigits) reject(text);
    }
    scale -= sign * exponent;
  }
  while (scale > 0 && units % 10 == 0) {
    units /= 10;
    --scale;
    if (units == 0) scale = 0;
  }
  while (scale < 0) {
    if (units > power_of_ten(kMaxDigits)) reject(text);
    units *= 10;
    ++scale;
  }
  if (scale > kMaxDigits) reject(text);
  return {negative ? -units : units, scale};
}

std::int64_t Decimal::denominator() const { return power_of_ten(scale_); }

double Decimal::to_double() const {
  return std::strtod(fmt::format("{}e-{}", units_, scale_).c_str(), nullptr);
}

std::string Decimal::to_string() const {
  const bool negative = units_ < 0;
  std::string digits = fmt::format("{}", negative ? -units_ : units_);
  if (scale_ > 0) {
    const auto scale = static_cast<std::size_t>(scale_);
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, ".");
    while (digits.back() == '0') digits.pop_back();
    if (digits.back() == '.') digits.pop_back();
  }
  return negative ? "-" + digits : digits;
}

bool operator==(const Decimal& a, const Decimal& b) {
  return (a <=> b) == std::strong_ordering::equal;
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  return Int128{a.units_} * b.denominator() <=> Int128{b.units_} * a.denominator();
}

std::int64_t floor_product(std::int64_t count, const Decimal& factor, std::int64_t divisor) {
  const Int128 numerator = Int128{count} * factor.units();
  const Int128 denominator = Int128{factor.denominator()} * divisor;
  Int128 quotient = numerator / denominator;
  if (numerator % denominator != 0 && numerator < 0) --quotient;
  return narrow(quotient);
}

std::int64_t ceil_product(std::int64_t count, const Decimal& factor, std::int64_t divisor) {
  return -floor_product(-count, factor, divisor);
}

}  // namespace hotexpert
