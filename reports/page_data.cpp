#include "reports/page_data.hpp"

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "reports/section.hpp"
#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

Json signed_index(std::size_t value) {
  return value == kNone ? Json(-1) : Json(static_cast<std::int64_t>(value));
}

Json indices(const std::vector<std::size_t>& values) {
  Json out = Json::array();
  for (const std::size_t value : values) out.push(signed_index(value));
  return out;
}

Json axes_data(const Comparison& comparison) {
  Json axes = Json::array();
  for (const auto& axis : comparison.axes) {
    Json values = Json::array();
    Json text = Json::array();
    for (const auto& value : axis.values) {
      values.push(value.is_number() ? value : Json());
      text.push(visible_text(display(value)));
    }
    Json entry;
    entry.set("name", visible_text(axis.name)).set("label", visible_text(axis.label));
    entry.set("unit", visible_text(axis.unit)).set("values", std::move(values));
    axes.push(entry.set("text", std::move(text)));
  }
  return axes;
}

Json axis_columns(const Comparison& comparison) {
  Json columns = Json::array();
  for (std::size_t axis = 0; axis < comparison.axes.size(); ++axis) {
    Json column = Json::array();
    for (const auto& point : comparison.points) column.push(signed_index(point.values[axis]));
    columns.push(std::move(column));
  }
  return columns;
}

/// p50, p95, p99 and max over (step, layer), for the charts' choice of statistic.
void set_percentiles(const Comparison& comparison, const std::string& metric, Json& column) {
  const std::array<std::pair<const char*, double Percentiles::*>, 4> kinds = {{
      {"p50", &Percentiles::p50},
      {"p95", &Percentiles::p95},
      {"p99", &Percentiles::p99},
      {"max", &Percentiles::max},
  }};
  for (const auto& [kind, member] : kinds) {
    Json values = Json::array();
    for (const auto& point : comparison.points) {
      const auto* found = point.result.find(metric);
      const bool has = found != nullptr && found->percentiles;
      values.push(has ? Json((*found->percentiles).*member) : Json());
    }
    column.set(kind, std::move(values));
  }
}

/// One metric over all points: value, where any point has one low and high, provenance.
Json metric_column(const Comparison& comparison, const std::string& metric) {
  Json value = Json::array();
  Json low = Json::array();
  Json high = Json::array();
  Json provenance = Json::array();
  bool any_interval = false;
  bool any_percentiles = false;
  const Measurement* first = nullptr;
  bool one_provenance = true;
  for (const auto& point : comparison.points) {
    const auto* found = point.result.find(metric);
    const bool has_interval = found != nullptr && found->ci95;
    value.push(found == nullptr ? Json() : Json(found->value));
    low.push(has_interval ? Json(found->ci95->low) : Json());
    high.push(has_interval ? Json(found->ci95->high) : Json());
    provenance.push(found == nullptr ? Json("") : Json(name(found->provenance)));
    any_interval = any_interval || has_interval;
    any_percentiles = any_percentiles || (found != nullptr && found->percentiles);
    if (found == nullptr) continue;
    if (first == nullptr) first = found;
    one_provenance = one_provenance && found->provenance == first->provenance;
  }
  Json column;
  column.set("value", std::move(value));
  if (any_percentiles) set_percentiles(comparison, metric, column);
  if (any_interval) column.set("low", std::move(low)).set("high", std::move(high));
  return column.set("provenance", one_provenance ? Json(name(first->provenance)) : provenance);
}

Json array_data(const Series& series) {
  Json values = Json::array();
  for (const double value : series.values) values.push(std::isfinite(value) ? Json(value) : Json());
  Json dims = Json::array();
  for (const auto& dim : series.dims) dims.push(visible_text(dim));
  Json entry;
  entry.set("dims", std::move(dims)).set("shape", Json::array_of(series.shape));
  entry.set("unit", visible_text(series.unit)).set("provenance", name(series.provenance));
  return entry.set("values", std::move(values));
}

/// {"arrays": [...], "series": {name: {point: position in arrays}}}
void set_series(const EmbeddedSeries& embedded, Json& out) {
  Json arrays = Json::array();
  for (const auto& array : embedded.arrays) arrays.push(array_data(array));
  Json series = Json::object();
  for (const auto& [name, points] : embedded.points) {
    Json entry = Json::object();
    for (const auto& [point, array] : points)
      entry.set(std::to_string(point), static_cast<std::int64_t>(array));
    series.set(name, std::move(entry));
  }
  out.set("arrays", std::move(arrays)).set("series", std::move(series));
}

Json chart_data(const ReportSection& section, const View& view) {
  Json focus = Json::array();
  for (const auto& [axis, value] : view.focus) {
    Json pair = Json::array();
    focus.push(pair.push(signed_index(axis)).push(signed_index(value)));
  }
  Json entry;
  entry.set("id", section.id).set("title", section.title).set("x", section.view().x);
  entry.set("eligible", indices(view.eligible)).set("along", indices(view.along));
  return entry.set("lines", indices(view.line_axes)).set("focus", std::move(focus));
}

/// The coefficients behind modelled numbers, by device: what-if controls compute with them.
Json devices_data(const Comparison& comparison) {
  Json devices = Json::object();
  for (const auto& run : comparison.runs) {
    const Json* described = run.manifest.find("devices");
    if (described == nullptr) continue;
    for (const auto& [name, device] : described->as_object()) {
      Json entry = Json::object();
      for (const char* key : {"held_out_error", "held_out_elasticity_error"}) {
        const Json* value = device.find(key);
        entry.set(key, value == nullptr ? Json(0) : *value);
      }
      for (const char* key : {"constants", "uncertainty"}) {
        if (const Json* table = device.find(key)) entry.set(key, *table);
      }
      devices.set(visible_text(name), std::move(entry));
    }
  }
  return devices;
}

}  // namespace

Json page_data(const Comparison& comparison, const EmbeddedSeries& embedded) {
  Json metrics = Json::object();
  Json columns = Json::object();
  for (const auto& metric : comparison.metrics) {
    Json entry;
    metrics.set(metric.name,
                entry.set("label", visible_text(metric.label)).set("unit", metric.unit));
    columns.set(metric.name, metric_column(comparison, metric.name));
  }
  Json charts = Json::array();
  for (const auto* section : report_sections()) {
    const View view = make_view(comparison, section->view());
    if (!view.eligible.empty()) charts.push(chart_data(*section, view));
  }
  Json out;
  out.set("title", visible_text(title_of(comparison))).set("axes", axes_data(comparison));
  out.set("axisColumns", axis_columns(comparison)).set("metrics", std::move(metrics));
  out.set("devices", devices_data(comparison));
  set_series(embedded, out);
  return out.set("columns", std::move(columns)).set("charts", std::move(charts));
}

}  // namespace hotexpert
