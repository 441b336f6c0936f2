#include "reports/number_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hotexpert {
namespace {

constexpr double kLeastShownFraction = 1e-4;

struct Scale {
  std::string_view unit;
  double divisor;
  std::string_view suffix;
};

// Of each unit from large to small; the last one also serves what is smaller.
constexpr std::array kScales = {
    Scale{"s", 1, "s"},
    Scale{"s", 1e-3, "ms"},
    Scale{"s", 1e-6, "µs"},
    Scale{"s", 1e-9, "ns"},
    Scale{"bytes", 0x1p40, "TiB"},
    Scale{"bytes", 0x1p30, "GiB"},
    Scale{"bytes", 0x1p20, "MiB"},
    Scale{"bytes", 0x1p10, "KiB"},
    Scale{"bytes", 1, "B"},
    Scale{"flop/s", 1e12, "Tflop/s"},
    Scale{"flop/s", 1e9, "Gflop/s"},
    Scale{"flop/s", 1e6, "Mflop/s"},
    Scale{"flop/s", 1, "flop/s"},
    Scale{"fraction", 0.01, "%"},
    Scale{"nat", 1, "nat"},
};

}  // namespace

DisplayUnit display_unit(std::string_view unit, double largest) {
  DisplayUnit found;
  for (const auto& scale : kScales) {
    if (scale.unit != unit) continue;
    found = {scale.divisor, std::string(scale.suffix)};
    if (std::fabs(largest) >= scale.divisor) break;
  }
  return found;
}

std::string significant(double value, int digits) {
  if (value == 0 || !std::isfinite(value)) return fmt::format("{:g}", value);
  const double magnitude = std::fabs(value);
  if (magnitude < 1e-6 || magnitude >= 1e15) return fmt::format("{:.{}e}", value, digits - 1);
  const int exponent = static_cast<int>(std::floor(std::log10(magnitude)));
  const int decimals = std::max(0, digits - 1 - exponent);
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (decimals > 0 && value == std::round(value)) text = fmt::format("{:.0f}", value);
  return text;
}

std::string with_unit(double value, std::string_view unit) {
  const auto shown = display_unit(unit, value);
  const std::string number = significant(value / shown.divisor);
  return shown.suffix.empty() ? number : number + " " + shown.suffix;
}

std::string times(double ratio) { return fmt::format("{:.{}f}x", ratio, ratio < 10 ? 2 : 1); }

std::string times(double ratio, const std::optional<Interval>& interval) {
  if (!interval) return times(ratio);
  const int decimals = ratio < 10 ? 2 : 1;
  return fmt::format("{} ({:.{}f} to {:.{}f})", times(ratio), interval->low, decimals,
                     interval->high, decimals);
}

std::string percent(double fraction) {
  if (fraction > 0 && fraction < kLeastShownFraction) return "less than 0.01 %";
  return significant(fraction * 100, std::fabs(fraction) < 0.1 ? 2 : 3) + " %";
}

std::string plus_minus(double value, const std::optional<Interval>& interval) {
  if (!interval || value == 0) return "";
  const double half = (interval->high - interval->low) / 2 / std::fabs(value);
  return fmt::format("±{} %", significant(half * 100, half < 0.1 ? 1 : 2));
}

}  // namespace hotexpert
