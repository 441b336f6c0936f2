#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/runner/axes.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// Reads the values of an axis as written on the command line or in a scenario:
///   `8`   `1,2,4`   `0:2:0.5` (first:last:step, last included)   `2^4:2^10` (powers of two)
///   `zipf:exponent=1.2,uniform`
/// Ranges are exact decimals: `1:1.3:0.1` ends at 1.3. Text axes have no ranges, as ':' begins
/// their parameters.
/// @return canonical texts in the order written, duplicates refused
/// @throws UsageError naming the axis, the text and what to write.
std::vector<std::string> parse_axis_values(const AxisRow& axis, std::string_view text);

/// One value as results hold it: a number where the text is one and the axis is numeric, else a
/// string.
Json axis_value_json(const AxisRow& axis, const std::string& value);

}  // namespace hotexpert
