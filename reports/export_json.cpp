#include "reports/exporters.hpp"
#include "reports/section.hpp"

namespace hotexpert {
namespace {

std::string_view name(Better better) {
  switch (better) {
    case Better::kLower:
      return "lower";
    case Better::kHigher:
      return "higher";
    case Better::kNeither:
      return "neither";
  }
  return "neither";
}

Json axes_json(const Comparison& comparison) {
  Json axes = Json::array();
  for (const auto& axis : comparison.axes) {
    Json entry;
    entry.set("name", axis.name).set("label", axis.label).set("unit", axis.unit);
    axes.push(entry.set("values", Json(axis.values)));
  }
  return axes;
}

Json metrics_json(const Comparison& comparison) {
  Json metrics = Json::object();
  for (const auto& metric : comparison.metrics) {
    Json entry;
    entry.set("unit", metric.unit).set("better", name(metric.better)).set("label", metric.label);
    metrics.set(metric.name, entry.set("definition", metric.definition));
  }
  return metrics;
}

Json row_json(const Comparison& comparison, const ComparedPoint& point) {
  Json row = Json::object();
  for (std::size_t axis = 0; axis < comparison.axes.size(); ++axis) {
    const std::size_t value = point.values[axis];
    row.set(comparison.axes[axis].name,
            value == kNone ? Json() : comparison.axes[axis].values[value]);
  }
  for (const auto& axis : comparison.fixed) row.set(axis.name, axis.value);
  row.set("outcome", hotexpert::name(point.result.outcome));
  if (!point.result.reason.empty()) row.set("reason", point.result.reason);
  for (const auto& measurement : point.result.measurements)
    row.set(measurement.metric, measurement.value);
  return row;
}

}  // namespace

std::string render_json(const Comparison& comparison) {
  Json out;
  out.set("schema", "hotexpert-report/1").set("title", title_of(comparison));
  Json rows = Json::array();
  Json points = Json::array();
  for (const auto& point : comparison.points) {
    rows.push(row_json(comparison, point));
    points.push(to_json(point.result).set("run", comparison.runs[point.run].name));
  }
  Json said = Json::array();
  for (const auto& finding : findings(comparison)) {
    Json entry;
    said.push(
        entry.set("chart", finding.chart).set("figure", finding.figure).set("text", finding.text));
  }
  Json fixed = Json::object();
  for (const auto& axis : comparison.fixed) fixed.set(axis.name, axis.value);
  Json runs = Json::array();
  for (const auto& run : comparison.runs) {
    Json entry;
    runs.push(entry.set("name", run.name).set("dir", run.dir).set("manifest", run.manifest));
  }
  out.set("rows", std::move(rows)).set("findings", std::move(said));
  out.set("axes", axes_json(comparison)).set("fixed", std::move(fixed));
  out.set("metrics", metrics_json(comparison)).set("runs", std::move(runs));
  out.set("points", std::move(points)).set("warnings", Json::array_of(comparison.warnings));
  return out.dump(1) + "\n";
}

}  // namespace hotexpert
