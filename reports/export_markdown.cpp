#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "reports/exporters.hpp"
#include "reports/number_format.hpp"
#include "reports/ratio.hpp"
#include "reports/recorded_traces.hpp"
#include "reports/section.hpp"
#include "reports/table_markdown.hpp"
#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kTime = "layer.total_s";
constexpr std::size_t kMaxColumns = 24;

/// "+12.3 % (10.0 to 14.6 %)", or "~" when the interval holds 0 or there is none.
std::string delta(const Measurement& value, const Measurement& base) {
  const Ratio ratio = ratio_of(value, base);
  if (!ratio.above(1) && !ratio.below(1)) return "~";
  return fmt::format("{:+.1f} % ({:+.1f} to {:+.1f})", (ratio.value - 1) * 100,
                     (ratio.ci95->low - 1) * 100, (ratio.ci95->high - 1) * 100);
}

std::string cell(const Measurement& time) {
  std::string out = with_unit(time.value, "s");
  const std::string width = plus_minus(time.value, time.ci95);
  return width.empty() ? out : out + " " + width;
}

/// A line of the chart as a column, and the column it is compared with: the same line of the first
/// run where several runs are compared, else the first line.
struct TimeColumn {
  const Line* line;
  std::size_t base;
};

std::vector<TimeColumn> time_columns(const Comparison& comparison, const View& view) {
  const auto run_axis =
      std::find(view.line_axes.begin(), view.line_axes.end(), comparison.axis(kRunAxis));
  if (run_axis == view.line_axes.end()) {
    std::vector<TimeColumn> columns;
    for (const auto& line : view.lines) columns.push_back({&line, 0});
    return columns;
  }
  // Runs of one kernel stand side by side.
  std::map<std::vector<std::size_t>, std::vector<const Line*>> by_kind;
  std::vector<std::vector<std::size_t>> order;
  for (const auto& line : view.lines) {
    std::vector<std::size_t> kind;
    for (const std::size_t axis : view.line_axes) {
      if (axis != *run_axis) kind.push_back(comparison.points[line.points.front()].values[axis]);
    }
    auto [where, is_new] = by_kind.emplace(kind, std::vector<const Line*>{});
    if (is_new) order.push_back(kind);
    where->second.push_back(&line);
  }
  std::vector<TimeColumn> columns;
  for (const auto& kind : order) {
    const std::size_t base = columns.size();
    for (const auto* line : by_kind.at(kind)) columns.push_back({line, base});
  }
  return columns;
}

/// Points of different lines belong to one row when they agree along x: [row][column].
std::vector<std::vector<const PointResult*>> time_rows(const Comparison& comparison,
                                                       const View& view,
                                                       const std::vector<TimeColumn>& columns) {
  std::map<std::vector<std::size_t>, std::size_t> row_of;
  std::vector<std::vector<const PointResult*>> rows;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (const std::size_t i : columns[c].line->points) {
      std::vector<std::size_t> key;
      for (const std::size_t axis : view.along) key.push_back(comparison.points[i].values[axis]);
      const auto [where, is_new] = row_of.emplace(key, rows.size());
      if (is_new) rows.emplace_back(columns.size());
      rows[where->second][c] = &comparison.points[i].result;
    }
  }
  return rows;
}

/// The geometric mean of a column's ratios to its base, over the rows that have both.
std::string geometric_mean(const std::vector<std::vector<const PointResult*>>& rows,
                           std::size_t column, std::size_t base) {
  double sum = 0;
  int count = 0;
  for (const auto& row : rows) {
    if (row[column] == nullptr || row[base] == nullptr) continue;
    sum += std::log(row[column]->find(kTime)->value / row[base]->find(kTime)->value);
    ++count;
  }
  return count == 0 ? "" : fmt::format("{:+.1f} %", (std::exp(sum / count) - 1) * 100);
}

/// A row for each value along x, a column for each line; a line that has a base also against it.
std::string time_table(const Comparison& comparison, const View& view) {
  const auto columns = time_columns(comparison, view);
  const auto rows = time_rows(comparison, view, columns);
  std::vector<std::string> titles = {"max/mean load"};
  std::vector<std::string> means = {"geometric mean"};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto& label = columns[c].line->label;
    titles.push_back(label.empty() ? "layer time" : markdown_text(label));
    means.emplace_back();
    if (columns[c].base == c) continue;
    titles.push_back("vs " + markdown_text(columns[columns[c].base].line->label));
    means.push_back(geometric_mean(rows, c, columns[c].base));
  }
  std::string out = markdown_row(titles) + markdown_rule(std::vector<bool>(titles.size(), true));
  for (const auto& row : rows) {
    const auto* any =
        *std::find_if(row.begin(), row.end(), [](auto* one) { return one != nullptr; });
    std::vector<std::string> cells = {significant(any->find("load.max_over_mean")->value)};
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto* time = row[c] == nullptr ? nullptr : row[c]->find(kTime);
      cells.push_back(time == nullptr ? "" : cell(*time));
      if (columns[c].base == c) continue;
      const auto* against = row[columns[c].base];
      cells.push_back(time == nullptr || against == nullptr ? ""
                                                            : delta(*time, *against->find(kTime)));
    }
    out += markdown_row(cells);
  }
  if (rows.size() > 1 && means.size() > 2) out += markdown_row(means);
  return out + "\nMedian ± half the 95 % interval; `~`: the interval of the ratio holds 1.\n";
}

/// A grid of many columns says nothing in a pull request.
std::string narrow_table(const Table& table) {
  if (table.columns.size() <= kMaxColumns) return table_markdown(table);
  return fmt::format("{} rows of {} columns: see the page or its JSON form.\n", table.rows.size(),
                     table.columns.size());
}

}  // namespace

std::string render_markdown(const Comparison& comparison) {
  std::string out = fmt::format("# {}\n\n", markdown_text(title_of(comparison)));
  for (const auto& finding : findings(comparison)) out += fmt::format("- {}\n", finding.text);
  for (const auto* section : report_sections()) {
    const View view = make_view(comparison, section->view());
    if (view.eligible.empty()) continue;
    out += fmt::format("\n## {}\n\n", section->title);
    const std::string focus = focus_text(comparison, view);
    if (!focus.empty()) out += fmt::format("At {}.\n\n", markdown_text(focus));
    out += section->id == "time-by-skew" ? time_table(comparison, view)
                                         : narrow_table(section->table(comparison, view));
  }
  if (const Table traces = recorded_traces_table(comparison); !traces.rows.empty())
    out += "\n## Recorded traces\n\n" + table_markdown(traces);
  for (const auto& warning : comparison.warnings)
    out += fmt::format("\n> Warning: {}\n", markdown_text(warning));
  return out;
}

}  // namespace hotexpert
