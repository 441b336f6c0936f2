#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/base/statistics.hpp"

namespace hotexpert {

/// How the numbers of one unit are shown together: divided by `divisor` and followed by `suffix`.
struct DisplayUnit {
  double divisor = 1;
  std::string suffix;  ///< "ms", "%", "" …
};

/// The unit that shows `largest` with one to three digits before the point: 0.0123 s is 12.3 ms.
DisplayUnit display_unit(std::string_view unit, double largest);

/// `digits` significant digits, never in exponent form between 1e-6 and 1e15: 0.01234 → "0.0123".
std::string significant(double value, int digits = 3);

/// "12.3 ms", "3.20 %", "4.10", "1.50 GiB"
std::string with_unit(double value, std::string_view unit);

/// "3.10x"
std::string times(double ratio);

/// "3.10x (3.02 to 3.19)"; without the brackets where there is no interval.
std::string times(double ratio, const std::optional<Interval>& interval);

/// "12 %", "3.2 %", "0.04 %", "less than 0.01 %"
std::string percent(double fraction);

/// Half the width of an interval over its value, as "±2 %"; "" where there is no interval.
std::string plus_minus(double value, const std::optional<Interval>& interval);

}  // namespace hotexpert
