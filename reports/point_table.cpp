#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "reports/number_format.hpp"
#include "reports/section.hpp"

namespace hotexpert {
namespace {

/// A metric's columns: how it is shown, and whether any point has an interval or percentiles.
struct MetricColumn {
  const ComparedMetric* metric;
  DisplayUnit shown;
  bool has_interval = false;
  bool has_percentiles = false;
};

std::string titled(const std::string& label, const std::string& unit) {
  return unit.empty() ? label : label + ", " + unit;
}

std::vector<MetricColumn> columns_of(const Comparison& comparison,
                                     const std::vector<std::size_t>& points,
                                     const std::vector<std::string_view>& metrics) {
  std::vector<MetricColumn> columns;
  for (const auto name : metrics) {
    const auto* metric = comparison.metric(name);
    if (metric == nullptr) continue;
    double largest = 0;
    MetricColumn column{metric, {}};
    for (const std::size_t i : points) {
      const auto* found = comparison.points[i].result.find(name);
      if (found == nullptr) continue;
      largest = std::max(largest, std::fabs(found->value));
      column.has_interval = column.has_interval || found->ci95.has_value();
      column.has_percentiles = column.has_percentiles || found->percentiles.has_value();
    }
    column.shown = display_unit(metric->unit, largest);
    columns.push_back(std::move(column));
  }
  return columns;
}

void append_metric_cells(const MetricColumn& column, const Measurement* found,
                         std::vector<std::string>& cells) {
  const auto shown = [&](double value) { return significant(value / column.shown.divisor, 4); };
  cells.push_back(found == nullptr ? "" : shown(found->value));
  if (column.has_interval) {
    const bool has = found != nullptr && found->ci95.has_value();
    cells.push_back(has ? shown(found->ci95->low) + " to " + shown(found->ci95->high) : "");
  }
  if (column.has_percentiles) {
    const bool has = found != nullptr && found->percentiles.has_value();
    const Percentiles of = has ? *found->percentiles : Percentiles{};
    for (const double value : {of.p50, of.p95, of.p99, of.max})
      cells.push_back(has ? shown(value) : "");
  }
}

/// A section's table shows percentiles of the first metric over x that has them: its chart's.
void keep_first_percentiles(std::string_view x, std::vector<MetricColumn>& columns) {
  bool seen = false;
  for (auto& column : columns) {
    column.has_percentiles = column.has_percentiles && !seen && column.metric->name != x;
    seen = seen || column.has_percentiles;
  }
}

std::vector<std::size_t> focus_first(const View& view) {
  std::vector<std::size_t> order;
  for (const auto& line : view.lines)
    order.insert(order.end(), line.points.begin(), line.points.end());
  const std::unordered_set<std::size_t> seen(order.begin(), order.end());
  for (const std::size_t i : view.eligible) {
    if (seen.count(i) == 0) order.push_back(i);
  }
  return order;
}

/// @param view of a section; nullptr for the table of all points, with outcomes
Table table_of(const Comparison& comparison, std::vector<std::size_t> points, std::string caption,
               const std::vector<std::string_view>& metrics, const View* view) {
  const bool with_outcome = view == nullptr;
  Table table;
  table.caption = std::move(caption);
  for (const auto& axis : comparison.axes) {
    const bool numeric = std::all_of(axis.values.begin(), axis.values.end(),
                                     [](const Json& value) { return value.is_number(); });
    table.columns.push_back({titled(axis.name, axis.unit), numeric});
  }
  if (with_outcome) table.columns.push_back({"outcome", false});
  auto columns = columns_of(comparison, points, metrics);
  if (view != nullptr) keep_first_percentiles(view->x, columns);
  for (const auto& column : columns) {
    table.columns.push_back({titled(column.metric->label, column.shown.suffix), true});
    if (column.has_interval) table.columns.push_back({"95 % interval", true});
    if (!column.has_percentiles) continue;
    for (const char* title : {"p50", "p95", "p99", "max"}) table.columns.push_back({title, true});
  }
  if (points.size() > kMaxTableRows) {
    table.left_out = points.size() - kMaxTableRows;
    points.resize(kMaxTableRows);
  }
  for (const std::size_t i : points) {
    const auto& point = comparison.points[i];
    Table::Row row{i, {}};
    for (std::size_t axis = 0; axis < comparison.axes.size(); ++axis) {
      const std::size_t value = point.values[axis];
      row.cells.push_back(value == kNone ? "" : display(comparison.axes[axis].values[value]));
    }
    if (with_outcome) {
      std::string outcome(name(point.result.outcome));
      if (!point.result.reason.empty()) outcome += ": " + point.result.reason;
      row.cells.push_back(std::move(outcome));
    }
    for (const auto& column : columns)
      append_metric_cells(column, point.result.find(column.metric->name), row.cells);
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Table point_table(const Comparison& comparison, const View& view, std::string caption,
                  const std::vector<std::string_view>& metrics) {
  return table_of(comparison, focus_first(view), std::move(caption), metrics, &view);
}

Table all_points_table(const Comparison& comparison) {
  std::vector<std::size_t> points(comparison.points.size());
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = i;
  std::vector<std::string_view> metrics;
  for (const auto& metric : comparison.metrics) metrics.push_back(metric.name);
  return table_of(comparison, std::move(points), "Every point and every metric", metrics, nullptr);
}

}  // namespace hotexpert
