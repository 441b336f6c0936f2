#include "scenarios/runner/axis_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/base/decimal.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kMaxValues = 100000;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_word(const AxisRow& axis, std::string_view value) {
  if (axis.words.empty()) return false;
  const auto words = split(axis.words, '|');
  return std::find(words.begin(), words.end(), value) != words.end();
}

/// The exponent of "2^10", or -1.
int power_of_two(std::string_view text) {
  if (text.substr(0, 2) != "2^") return -1;
  const auto exponent = parse_integer(text.substr(2), "exponent of 2^");
  if (exponent < 0 || exponent > 40)
    throw UsageError(fmt::format("'{}' is outside 2^0 to 2^40", text));
  return static_cast<int>(exponent);
}

std::string canonical(const AxisRow& axis, std::string_view value) {
  if (value.empty()) throw UsageError(fmt::format("{}: an empty value", axis.name));
  if (is_word(axis, value)) return std::string(value);
  switch (axis.kind) {
    case AxisKind::kInteger: {
      const int power = power_of_two(value);
      const std::int64_t number =
          power >= 0 ? std::int64_t{1} << power : parse_integer(value, axis.name);
      if (number < axis.minimum) {
        throw UsageError(fmt::format("{}: {} is below {}", axis.name, number, axis.minimum));
      }
      return fmt::format("{}", number);
    }
    case AxisKind::kDecimal:
      try {
        return Decimal::parse(value).to_string();
      } catch (const UsageError&) {
        throw UsageError(fmt::format("{}: '{}' is not a number (write 1.25{}{})", axis.name, value,
                                     axis.words.empty() ? "" : ", or ", axis.words));
      }
    case AxisKind::kWord:
      throw UsageError(unknown_name_message(fmt::format("value of {}", axis.name), value,
                                            split(axis.words, '|')));
    case AxisKind::kText:
      return std::string(value);
  }
  return {};
}

void append_range(const AxisRow& axis, std::string_view text, std::vector<std::string>& out) {
  const auto parts = split(text, ':');
  if (parts.size() == 2 && power_of_two(parts[0]) >= 0 && power_of_two(parts[1]) >= 0) {
    for (int e = power_of_two(parts[0]); e <= power_of_two(parts[1]); ++e) {
      out.push_back(canonical(axis, fmt::format("2^{}", e)));
    }
    if (power_of_two(parts[0]) > power_of_two(parts[1])) {
      throw UsageError(
          fmt::format("{}: '{}' counts down; write the smaller end first", axis.name, text));
    }
    return;
  }
  if (parts.size() != 3) {
    throw UsageError(
        fmt::format("{}: '{}' is no range (write first:last:step, or 2^4:2^10)", axis.name, text));
  }
  const Decimal first = Decimal::parse(parts[0]);
  const Decimal last = Decimal::parse(parts[1]);
  const Decimal step = Decimal::parse(parts[2]);
  if (step.sign() <= 0 || last < first) {
    throw UsageError(
        fmt::format("{}: '{}' needs first <= last and a step above 0", axis.name, text));
  }
  const int scale = std::max({first.scale(), last.scale(), step.scale()});
  const auto rescale = [&](const Decimal& d) {
    std::int64_t value = d.units();
    for (int i = d.scale(); i < scale; ++i) value *= 10;
    return value;
  };
  if ((rescale(last) - rescale(first)) / rescale(step) >= kMaxValues) {
    throw UsageError(fmt::format("{}: '{}' is more than {} values", axis.name, text, kMaxValues));
  }
  for (std::int64_t value = rescale(first); value <= rescale(last); value += rescale(step)) {
    out.push_back(canonical(axis, Decimal(value, scale).to_string()));
  }
}

}  // namespace

std::vector<std::string> parse_axis_values(const AxisRow& axis, std::string_view text) {
  std::vector<std::string> values;
  for (auto part : split(text, ',')) {
    part = trim(part);
    const bool numeric = axis.kind == AxisKind::kInteger || axis.kind == AxisKind::kDecimal;
    if (numeric && part.find(':') != std::string_view::npos) {
      append_range(axis, part, values);
    } else {
      values.push_back(canonical(axis, part));
    }
  }
  std::set<std::string_view> seen;
  for (const auto& value : values) {
    if (!seen.insert(value).second) {
      throw UsageError(fmt::format("{}: the value {} is given twice", axis.name, value));
    }
  }
  return values;
}

Json axis_value_json(const AxisRow& axis, const std::string& value) {
  if (axis.kind == AxisKind::kText || axis.kind == AxisKind::kWord || is_word(axis, value))
    return Json(value);
  if (axis.kind == AxisKind::kInteger) return Json(parse_integer(value, axis.name));
  const Decimal decimal = Decimal::parse(value);
  if (decimal.scale() == 0) return Json(decimal.units());
  return Json(decimal.to_double());
}

}  // namespace hotexpert
