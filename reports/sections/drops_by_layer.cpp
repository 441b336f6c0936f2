#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kFactor = "capacity.factor";
constexpr std::string_view kByLayer = "drop.by_layer";

ViewSpec view() { return {.x = kFactor, .series = {kByLayer}}; }

/// A column a factor of the shown line.
struct Grid {
  std::vector<double> factors;
  std::vector<std::vector<double>> shares;  ///< [factor][layer]
};

Grid grid_of(const Comparison& comparison, const View& view) {
  Grid grid;
  if (view.lines.empty()) return grid;
  for (const std::size_t i : view.lines.front().points) {
    auto series = read_series(comparison, i, kByLayer);
    if (!series) continue;
    grid.factors.push_back(x_of(comparison.points[i], kFactor));
    grid.shares.push_back(std::move(series->values));
  }
  return grid;
}

Table table(const Comparison& comparison, const View& view) {
  const Grid grid = grid_of(comparison, view);
  Table out{"Dropped share by layer and capacity factor, %", {{"layer", true}}, {}, 0};
  std::size_t layers = 0;
  for (std::size_t f = 0; f < grid.factors.size(); ++f) {
    out.columns.push_back({"CF " + shortest(grid.factors[f]), true});
    layers = std::max(layers, grid.shares[f].size());
  }
  for (std::size_t layer = 0; layer < layers; ++layer) {
    Table::Row row{kNone, {std::to_string(layer)}};
    for (const auto& shares : grid.shares)
      row.cells.push_back(layer < shares.size() ? significant(100 * shares[layer]) : "");
    out.rows.push_back(std::move(row));
  }
  return out;
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const Grid grid = grid_of(comparison, view);
  if (grid.factors.empty() || grid.shares.front().size() < 2) return;
  const auto& shares = grid.shares.front();
  const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
  if (!(*most > *least)) return;
  out.push_back({"drops-by-layer", percent(*most),
                 fmt::format("Layers differ: at capacity factor {} layer {} drops {}, layer {} {}.",
                             shortest(grid.factors.front()), most - shares.begin(), percent(*most),
                             least - shares.begin(), percent(*least))});
}

}  // namespace

const ReportSection kDropsByLayer = {
    .id = "drops-by-layer",
    .group = SectionGroup::kDrops,
    .title = "Dropped share of each layer",
    .how_to_read =
        "A row a layer, a column a capacity factor. One factor for all layers is set by the worst "
        "of them; factors set layer by layer waste fewer rows.",
    .view = view,
    .table = table,
    .findings = say,
    .series = [] { return std::vector<SeriesRequest>{{kByLayer}}; },
};

}  // namespace hotexpert
