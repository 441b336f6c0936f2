#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/importers/token_table.hpp"

namespace hotexpert::formats {
namespace {

std::vector<std::string> fields(std::string_view line) {
  std::vector<std::string> out;
  while (true) {
    const auto end = std::min(line.find(','), line.size());
    auto field = line.substr(0, end);
    while (!field.empty() && (field.front() == ' ' || field.front() == '"')) field.remove_prefix(1);
    while (!field.empty() &&
           std::string_view(" \"\r").find(field.back()) != std::string_view::npos) {
      field.remove_suffix(1);
    }
    out.emplace_back(field);
    if (end == line.size()) return out;
    line.remove_prefix(end + 1);
  }
}

std::ptrdiff_t column(const std::vector<std::string>& header, std::string_view name) {
  const auto it = std::find(header.begin(), header.end(), name);
  return it == header.end() ? -1 : it - header.begin();
}

std::int64_t number_at(const std::vector<std::string>& row, std::ptrdiff_t at,
                       const std::string& where) {
  if (at >= static_cast<std::ptrdiff_t>(row.size())) {
    throw InputError(fmt::format("{}: has {} fields, {} are needed", where, row.size(), at + 1));
  }
  try {
    return parse_integer(row[static_cast<std::size_t>(at)], where);
  } catch (const UsageError& error) {
    throw InputError(error.what());
  }
}

}  // namespace

bool sniff_csv(const ImportSource& source) {
  const auto header = fields(first_line(source.beginning()));
  return column(header, "layer") >= 0 && column(header, "expert") >= 0;
}

/// A header that names `layer` and `expert`, then a line an assignment. Without options.top_k only
/// counts are known (one step); with it, each k lines of a layer are a token.
Recording read_csv(const ImportSource& source, const ImportOptions& options) {
  std::vector<std::string> header;
  std::map<std::int64_t, std::vector<std::int64_t>> by_layer;
  for_each_line(source.text(), [&](std::string_view line, std::int64_t number) {
    const auto where = fmt::format("{}:{}", source.path(), number);
    const auto row = fields(line);
    if (header.empty()) {
      header = row;
      if (column(header, "layer") < 0 || column(header, "expert") < 0) {
        throw InputError(fmt::format("{}: the header names no layer and expert", where));
      }
      return;
    }
    const auto layer = number_at(row, column(header, "layer"), where);
    const auto expert = number_at(row, column(header, "expert"), where);
    if (layer < 0 || expert < 0 || expert >= kMaxExperts) {
      throw InputError(
          fmt::format("{}: layer {}, expert {} is out of range", where, layer, expert));
    }
    by_layer[layer].push_back(expert);
  });
  if (by_layer.empty()) throw InputError(fmt::format("{}: holds no routing", source.path()));
  if (options.top_k > 0) {
    const auto k = static_cast<std::size_t>(options.top_k);
    TokenTable table(source.path());
    for (const auto& [layer, experts] : by_layer) {
      for (std::size_t first = 0; first < experts.size(); first += k) {
        table.add(layer, std::span(experts).subspan(first, std::min(k, experts.size() - first)),
                  {});
      }
    }
    return recording_from_table(table);
  }
  std::int64_t largest = options.num_experts - 1;
  for (const auto& [layer, experts] : by_layer) {
    largest = std::max(largest, *std::max_element(experts.begin(), experts.end()));
  }
  Recording out;
  out.loads.emplace(1, static_cast<int>(by_layer.size()), static_cast<int>(largest + 1));
  int next = 0;
  for (const auto& [layer, experts] : by_layer) {
    const auto load = out.loads->at(0, next++);
    for (const auto expert : experts) ++load[static_cast<std::size_t>(expert)];
  }
  out.warnings.emplace_back(
      "The file has no tokens (no --top-k given): only counts were read, as one step.");
  return out;
}

}  // namespace hotexpert::formats
