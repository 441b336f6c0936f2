#include "reports/sections/load_heat.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kLoad = "load.by_expert";
constexpr std::string_view kSkew = "load.max_over_mean";

struct Shape {
  std::int64_t steps = 1;
  std::int64_t layers = 1;
  std::int64_t experts = 1;
};

Shape shape_of(const Series& series) {
  Shape shape;
  for (std::size_t i = 0; i < series.dims.size() && i < series.shape.size(); ++i) {
    if (series.dims[i] == "step") shape.steps = series.shape[i];
    if (series.dims[i] == "layer") shape.layers = series.shape[i];
    if (series.dims[i] == "expert") shape.experts = series.shape[i];
  }
  return shape;
}

/// Adds load / mean load of every step and layer to row `row_of(step, layer)`, then divides by how
/// many each row got.
template <class RowOf>
Series normalised(Series series, std::string_view row_dim, std::int64_t rows, const RowOf& row_of) {
  const Shape shape = shape_of(series);
  const auto experts = static_cast<std::size_t>(shape.experts);
  if (series.values.empty()) rows = 0;
  std::vector<double> grid(static_cast<std::size_t>(rows) * experts, 0.0);
  std::vector<double> count(static_cast<std::size_t>(rows), 0.0);
  const double* load = series.values.data();
  for (std::int64_t step = 0; rows > 0 && step < shape.steps; ++step) {
    for (std::int64_t layer = 0; layer < shape.layers; ++layer, load += experts) {
      double sum = 0;
      for (std::size_t e = 0; e < experts; ++e) sum += load[e];
      if (!(sum > 0)) continue;
      const auto row = static_cast<std::size_t>(row_of(step, layer));
      for (std::size_t e = 0; e < experts; ++e)
        grid[row * experts + e] += load[e] * static_cast<double>(experts) / sum;
      count[row] += 1;
    }
  }
  for (std::size_t i = 0; i < grid.size(); ++i) {
    if (count[i / experts] > 0) grid[i] /= count[i / experts];
  }
  series.dims = {std::string(row_dim), "expert"};
  series.shape = {rows, shape.experts};
  series.unit = "ratio";
  series.values = std::move(grid);
  return series;
}

const Series* loads_of(const PointResult& result) {
  for (const auto& series : result.series) {
    if (series.metric == kLoad) return &series;
  }
  return nullptr;
}

bool has_steps(const PointResult& result) { return shape_of(*loads_of(result)).steps > 1; }
bool has_layers(const PointResult& result) { return shape_of(*loads_of(result)).layers > 1; }

SeriesRequest by_step() {
  return {.metric = kLoad, .most_of = kSkew, .name = "load.by_step", .reduce = load_by_step};
}
SeriesRequest by_layer() {
  return {.metric = kLoad, .most_of = kSkew, .name = "load.by_layer", .reduce = load_by_layer};
}

ViewSpec view_of(bool (*also)(const PointResult&)) {
  return {.x = "",
          .along = {"skew.", "trace.", "kernel", "seed", "capacity."},
          .series = {kLoad},
          .also = also};
}

}  // namespace

Series load_by_step(Series series) {
  const Shape shape = shape_of(series);
  const std::int64_t bin = (shape.steps + kMaxHeatSteps - 1) / kMaxHeatSteps;
  return normalised(std::move(series), "step", (shape.steps + bin - 1) / bin,
                    [bin](std::int64_t step, std::int64_t) { return step / bin; });
}

Series load_by_layer(Series series) {
  const std::int64_t layers = shape_of(series).layers;
  return normalised(std::move(series), "layer", layers,
                    [](std::int64_t, std::int64_t layer) { return layer; });
}

Table heat_table(const Comparison& comparison, const View& view, const SeriesRequest& request,
                 std::string caption) {
  Table table{std::move(caption), {}, {}, 0};
  std::size_t most = kNone;
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) {
      if (most == kNone || x_of(comparison.points[i], kSkew) > x_of(comparison.points[most], kSkew))
        most = i;
    }
  }
  const auto series = most == kNone ? std::nullopt : read_series(comparison, most, request);
  if (!series) return table;
  table.columns.push_back({series->dims[0], true});
  const auto experts = static_cast<std::size_t>(series->shape[1]);
  for (std::size_t e = 0; e < experts; ++e)
    table.columns.push_back({fmt::format("expert {}", e), true});
  for (std::size_t row = 0; row * experts < series->values.size(); ++row) {
    Table::Row cells{kNone, {std::to_string(row)}};
    for (std::size_t e = 0; e < experts; ++e)
      cells.cells.push_back(fmt::format("{:.2f}", series->values[row * experts + e]));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

const ReportSection kLoadByStep = {
    .id = "load-by-step",
    .group = SectionGroup::kLoad,
    .title = "Load of each expert over the steps",
    .how_to_read =
        "Load over the mean load of the step, averaged over layers, for the shown point of highest "
        "skew. Rows that stay dark are stable popularity, which placement can use; dark cells that "
        "move are bursts, which it cannot.",
    .view = [] { return view_of(has_steps); },
    .table =
        [](const Comparison& comparison, const View& view) {
          return heat_table(comparison, view, by_step(),
                            "Load over the mean load, by step (or bin of steps) and expert");
        },
    .series = [] { return std::vector{by_step()}; },
};

const ReportSection kLoadByLayer = {
    .id = "load-by-layer",
    .group = SectionGroup::kLoad,
    .title = "Load of each expert in every layer",
    .how_to_read =
        "Load over the mean load, averaged over steps, for the shown point of highest skew. A "
        "layer of even colour is balanced over time, whatever its single steps are.",
    .view = [] { return view_of(has_layers); },
    .table =
        [](const Comparison& comparison, const View& view) {
          return heat_table(comparison, view, by_layer(),
                            "Load over the mean load, by layer and expert");
        },
    .series = [] { return std::vector{by_layer()}; },
};

}  // namespace hotexpert
