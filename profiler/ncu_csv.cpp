#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "profiler/nsight_import.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr std::array<std::string_view, 6> kColumns = {"ID",          "Kernel Name", "Section Name",
                                                      "Metric Name", "Metric Unit", "Metric Value"};

/// Fields of one line: quoted with doubled quotes inside, or bare.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::optional<double> number(std::string text) {
  std::erase(text, ',');
  double value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(value) : std::nullopt;
}

/// Where each of kColumns stands in a header line; nullopt when the line is no header.
std::optional<std::array<std::size_t, kColumns.size()>> columns_of(
    const std::vector<std::string>& header) {
  std::array<std::size_t, kColumns.size()> places{};
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    const auto found = std::ranges::find(header, kColumns[i]);
    if (found == header.end()) return std::nullopt;
    places[i] = static_cast<std::size_t>(found - header.begin());
  }
  return places;
}

}  // namespace

std::vector<NcuValue> read_ncu_csv(std::string_view text, std::string_view origin) {
  std::vector<NcuValue> values;
  std::optional<std::array<std::size_t, kColumns.size()>> places;
  std::size_t width = 0;
  for (std::size_t line_number = 1; !text.empty(); ++line_number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("==")) continue;
    const auto fields = fields_of(line);
    if (!places) {
      places = columns_of(fields);
      width = fields.size();
      continue;
    }
    if (fields.size() != width)
      throw InputError(fmt::format("{}:{}: {} fields, the header has {} (is the file cut off?)",
                                   origin, line_number, fields.size(), width));
    const auto field = [&](std::size_t column) { return fields[(*places)[column]]; };
    const auto id = number(field(0));
    const auto value = number(field(5));
    if (!id)
      throw InputError(
          fmt::format("{}:{}: ID '{}' is not a number", origin, line_number, field(0)));
    if (value)
      values.push_back(
          {static_cast<std::int64_t>(*id), field(1), field(2), field(3), field(4), *value});
  }
  if (!places)
    throw InputError(
        fmt::format("{}: no header with the columns {} (write it with `ncu --import "
                    "REPORT --csv`)",
                    origin, fmt::join(kColumns, ", ")));
  return values;
}

}  // namespace hotexpert
