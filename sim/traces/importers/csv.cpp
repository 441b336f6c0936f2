#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

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

/// A line of the file: its fields and where it is.
struct Line {
  std::vector<std::string> fields;
  std::string where;

  [[nodiscard]] const std::string& at(std::ptrdiff_t column) const {
    if (column >= static_cast<std::ptrdiff_t>(fields.size())) {
      throw InputError(
          fmt::format("{}: has {} fields, {} are needed", where, fields.size(), column + 1));
    }
    return fields[static_cast<std::size_t>(column)];
  }
  [[nodiscard]] std::int64_t integer(std::ptrdiff_t column) const {
    try {
      return parse_integer(at(column), where);
    } catch (const UsageError& error) {
      throw InputError(error.what());
    }
  }
  [[nodiscard]] double real(std::ptrdiff_t column) const {
    try {
      return parse_double(at(column), where);
    } catch (const UsageError& error) {
      throw InputError(error.what());
    }
  }
};

/// Columns of the header; -1 where there is none.
struct Columns {
  std::ptrdiff_t layer = -1;
  std::ptrdiff_t expert = -1;
  std::ptrdiff_t token = -1;
  std::ptrdiff_t weight = -1;
  std::ptrdiff_t step = -1;
  std::ptrdiff_t load = -1;

  explicit Columns(const std::vector<std::string>& header)
      : layer(column(header, "layer")),
        expert(column(header, "expert")),
        token(column(header, "token")),
        weight(column(header, "weight")),
        step(column(header, "step")),
        load(column(header, "load")) {}
};

/// Calls visit(line, columns, layer, expert) for every line behind the header.
template <class Visit>
void for_each_row(const ImportSource& source, Visit&& visit) {
  std::optional<Columns> columns;
  bool any = false;
  for_each_line(source.text(), [&](std::string_view text, std::int64_t number) {
    const Line line{fields(text), fmt::format("{}:{}", source.path(), number)};
    if (!columns) {
      columns.emplace(line.fields);
      if (columns->layer < 0 || columns->expert < 0) {
        throw InputError(fmt::format("{}: the header names no layer and expert", line.where));
      }
      return;
    }
    const auto layer = line.integer(columns->layer);
    const auto expert = line.integer(columns->expert);
    const bool may_be_absent = columns->token >= 0 && columns->load < 0;
    const auto lowest = may_be_absent ? kAbsent : StoredExpert{0};
    if (layer < 0 || expert < lowest || expert >= kMaxExperts) {
      throw InputError(
          fmt::format("{}: layer {}, expert {} is out of range", line.where, layer, expert));
    }
    any = true;
    visit(line, *columns, layer, expert);
  });
  if (!any) throw InputError(fmt::format("{}: holds no routing", source.path()));
}

/// Lines of one token and layer follow each other; a token a layer has no line of chose no expert.
Recording read_tokens(const ImportSource& source) {
  struct Open {
    std::int64_t token = -1;
    std::vector<std::int64_t> ids;
    std::vector<double> weights;
  };
  TokenTable table(source.path());
  std::map<std::int64_t, Open> open;
  const auto lines = std::count(source.text().begin(), source.text().end(), '\n') + 1;
  const auto close = [&](std::int64_t layer, Open& row) {
    if (row.token >= 0) table.add(layer, row.ids, row.weights);
    row.ids.clear();
    row.weights.clear();
  };
  for_each_row(source, [&](const Line& line, const Columns& columns, std::int64_t layer,
                           std::int64_t expert) {
    const auto token = line.integer(columns.token);
    auto& row = open[layer];
    if (token != row.token) {
      if (token < row.token || token < 0 || token >= lines) {
        throw InputError(
            fmt::format("{}: token {} of layer {} comes after token {} of a file of {} "
                        "lines: tokens count up from 0",
                        line.where, token, layer, row.token, lines));
      }
      close(layer, row);
      while (table.tokens_of(layer) < token) table.add(layer, {}, {});
      row.token = token;
    }
    row.ids.push_back(expert);
    if (columns.weight >= 0) row.weights.push_back(line.real(columns.weight));
  });
  for (auto& [layer, row] : open) close(layer, row);
  return recording_from_table(table);
}

/// A line a (step, layer, expert) that has a load.
Recording read_loads(const ImportSource& source, const ImportOptions& options) {
  struct Cell {
    std::int64_t step, layer, expert, load;
  };
  std::vector<Cell> cells;
  std::map<std::int64_t, std::int64_t> steps;
  std::map<std::int64_t, int> layers;
  std::int64_t experts = options.num_experts;
  for_each_row(source, [&](const Line& line, const Columns& columns, std::int64_t layer,
                           std::int64_t expert) {
    const auto step = columns.step >= 0 ? line.integer(columns.step) : 0;
    const auto load = line.integer(columns.load);
    if (load < 0) throw InputError(fmt::format("{}: load {} is below 0", line.where, load));
    cells.push_back({step, layer, expert, load});
    steps[step] = 0;
    layers[layer] = 0;
    experts = std::max(experts, expert + 1);
  });
  const auto dense = static_cast<double>(steps.size()) * static_cast<double>(layers.size()) *
                     static_cast<double>(experts);
  // A cell in sixteen is filled at least: what is left out is 0, but not a whole file of it.
  if (dense > 16.0 * static_cast<double>(cells.size()) + 1e6) {
    throw InputError(fmt::format("{}: {} lines for {} steps, {} layers and {} experts",
                                 source.path(), cells.size(), steps.size(), layers.size(),
                                 experts));
  }
  std::int64_t next_step = 0;
  for (auto& [step, index] : steps) index = next_step++;
  int next_layer = 0;
  for (auto& [layer, index] : layers) index = next_layer++;
  Recording out;
  out.loads.emplace(next_step, next_layer, static_cast<int>(experts));
  for (const auto& cell : cells) {
    out.loads->at(steps[cell.step], layers[cell.layer])[static_cast<std::size_t>(cell.expert)] +=
        cell.load;
  }
  return out;
}

/// A line an assignment, without tokens: counts, or with k known each k lines of a layer a token.
Recording read_assignments(const ImportSource& source, const ImportOptions& options) {
  std::map<std::int64_t, std::vector<std::int64_t>> by_layer;
  for_each_row(source, [&](const Line&, const Columns&, std::int64_t layer, std::int64_t expert) {
    by_layer[layer].push_back(expert);
  });
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
      "The file has no tokens (no --layer.top_k given): only counts were read, as one step.");
  return out;
}

}  // namespace

bool sniff_csv(const ImportSource& source) {
  const auto header = fields(first_line(source.beginning()));
  return column(header, "layer") >= 0 && column(header, "expert") >= 0;
}

/// A header that names `layer` and `expert`, and one of: `token` (and `weight`), lines in token
/// order; `load` (and `step`), counts; neither, a line an assignment.
Recording read_csv(const ImportSource& source, const ImportOptions& options) {
  const Columns columns(fields(first_line(source.beginning())));
  if (columns.load >= 0) return read_loads(source, options);
  return columns.token >= 0 ? read_tokens(source) : read_assignments(source, options);
}

}  // namespace hotexpert::formats
