#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kByPosition = "drop.by_position";
constexpr std::string_view kByRank = "drop.by_source_rank";

ViewSpec view_of(std::string_view series) {
  return {.x = "",
          .lines = {"run", "capacity.policy", "trace.order"},
          .series = {series},
          .least = {"capacity.factor"}};
}

/// A row for each place, a column for each line.
Table table_of(const Comparison& comparison, const View& view, std::string_view metric,
               std::string caption, std::string place) {
  Table out{std::move(caption), {{std::move(place), true}}, {}, 0};
  std::vector<std::vector<double>> columns;
  std::size_t places = 0;
  for (const auto& line : view.lines) {
    auto series = read_series(comparison, line.points.front(), metric);
    if (!series) continue;
    out.columns.push_back({line.label.empty() ? "dropped, %" : line.label + ", %", true});
    places = std::max(places, series->values.size());
    columns.push_back(std::move(series->values));
  }
  for (std::size_t i = 0; i < places; ++i) {
    Table::Row row{kNone, {std::to_string(i + (metric == kByPosition ? 1 : 0))}};
    for (const auto& column : columns)
      row.cells.push_back(i < column.size() ? significant(100 * column[i]) : "");
    out.rows.push_back(std::move(row));
  }
  return out;
}

void say_of(const Comparison& comparison, const View& view, std::string_view metric,
            std::string_view chart, std::string_view place, std::vector<Finding>& out) {
  std::vector<std::string> parts;
  double widest = 0;
  for (const auto& line : view.lines) {
    const auto series = read_series(comparison, line.points.front(), metric);
    if (!series || series->values.size() < 2) continue;
    const auto [least, most] = std::minmax_element(series->values.begin(), series->values.end());
    widest = std::max(widest, *most - *least);
    parts.push_back(fmt::format("{}{} in {} {}, {} in {} {}",
                                line.label.empty() ? "" : code_name(line.label) + " ",
                                percent(*least), place, least - series->values.begin() + 1,
                                percent(*most), place, most - series->values.begin() + 1));
  }
  if (parts.empty() || !(widest > 0)) return;
  out.push_back(
      {std::string(chart), percent(widest),
       fmt::format(
           "Where in the step a token stands decides whether it is dropped; by {} of the step: {}.",
           place, enumerate(parts))});
}

}  // namespace

const ReportSection kDropsByPosition = {
    .id = "drops-by-position",
    .group = SectionGroup::kDrops,
    .title = "Who is dropped: place in the step",
    .how_to_read =
        "Dropped share of the tokens in each tenth of a step, by drop policy. A policy that goes "
        "by position spares the first tokens and takes the last; a level line has no bias.",
    .view = [] { return view_of(kByPosition); },
    .table =
        [](const Comparison& comparison, const View& view) {
          return table_of(comparison, view, kByPosition, "Dropped share by tenth of the step",
                          "tenth");
        },
    .findings =
        [](const Comparison& comparison, const View& view, std::vector<Finding>& out) {
          say_of(comparison, view, kByPosition, "drops-by-position", "tenth", out);
        },
    .series = [] { return std::vector<SeriesRequest>{{kByPosition}}; },
};

const ReportSection kDropsBySourceRank = {
    .id = "drops-by-source-rank",
    .group = SectionGroup::kDrops,
    .title = "Who is dropped: source rank",
    .how_to_read =
        "Dropped share of the tokens that each rank sends, by drop policy. Where all ranks share "
        "one capacity, dropping by position takes from the last ranks first.",
    .view = [] { return view_of(kByRank); },
    .table =
        [](const Comparison& comparison, const View& view) {
          return table_of(comparison, view, kByRank, "Dropped share by source rank", "rank");
        },
    .series = [] { return std::vector<SeriesRequest>{{kByRank}}; },
};

}  // namespace hotexpert
