#include "sim/core/point_result.hpp"

#include <fmt/format.h>

#include <array>

#include "sim/base/errors.hpp"
#include "sim/core/metric_catalogue.hpp"

namespace hotexpert {
namespace {

constexpr std::array<std::string_view, 5> kProvenances = {"counted", "expected", "simulated",
                                                          "modelled", "measured"};
constexpr std::array<std::string_view, 3> kOutcomes = {"ok", "skipped", "failed"};

template <std::size_t N>
std::size_t position(const std::array<std::string_view, N>& words, std::string_view text,
                     std::string_view what) {
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i] == text) return i;
  }
  throw InputError(fmt::format("'{}' is not {} (one of {})", text, what, fmt::join(words, ", ")));
}

std::string_view unit_of(const std::string& metric) {
  const auto* row = find_metric(metric);
  return row == nullptr ? "" : row->unit;
}

std::vector<double> doubles(const Json& json) {
  std::vector<double> out;
  for (const auto& item : json.as_array()) out.push_back(item.as_double());
  return out;
}

Json measurement_json(const Measurement& m) {
  Json out;
  out.set("value", m.value).set("unit", unit_of(m.metric)).set("provenance", name(m.provenance));
  if (m.percentiles) {
    out.set("p50", m.percentiles->p50).set("p95", m.percentiles->p95);
    out.set("p99", m.percentiles->p99).set("max", m.percentiles->max);
  }
  if (!m.samples.empty()) out.set("samples", Json::array_of(m.samples));
  if (m.ci95) out.set("ci95", Json::array_of(std::array{m.ci95->low, m.ci95->high}));
  return out;
}

Measurement read_measurement(const std::string& metric, const Json& json) {
  Measurement m;
  m.metric = metric;
  m.value = json.at("value").as_double();
  m.provenance = parse_provenance(json.at("provenance").as_string());
  if (json.find("p50") != nullptr) {
    m.percentiles = Percentiles{json.at("p50").as_double(), json.at("p95").as_double(),
                                json.at("p99").as_double(), json.at("max").as_double()};
  }
  if (const auto* samples = json.find("samples")) m.samples = doubles(*samples);
  if (const auto* ci = json.find("ci95")) {
    const auto bounds = doubles(*ci);
    if (bounds.size() != 2) throw InputError(fmt::format("{}: \"ci95\" needs two numbers", metric));
    m.ci95 = Interval{bounds[0], bounds[1]};
  }
  return m;
}

Json series_json(const Series& s) {
  Json out;
  out.set("dims", Json::array_of(s.dims)).set("shape", Json::array_of(s.shape));
  out.set("unit", s.unit).set("provenance", name(s.provenance));
  if (s.file.empty()) {
    out.set("values", Json::array_of(s.values));
  } else {
    out.set("file", s.file);
  }
  return out;
}

Series read_series(const std::string& metric, const Json& json) {
  Series s;
  s.metric = metric;
  s.unit = json.at("unit").as_string();
  s.provenance = parse_provenance(json.at("provenance").as_string());
  for (const auto& dim : json.at("dims").as_array()) s.dims.push_back(dim.as_string());
  for (const auto& extent : json.at("shape").as_array()) s.shape.push_back(extent.as_integer());
  if (const auto* values = json.find("values")) s.values = doubles(*values);
  if (const auto* file = json.find("file")) s.file = file->as_string();
  return s;
}

}  // namespace

std::string_view name(Provenance provenance) {
  return kProvenances[static_cast<std::size_t>(provenance)];
}
Series series_along(std::string dim, std::string metric, std::string unit, Provenance provenance,
                    std::vector<double> values) {
  Series series;
  series.metric = std::move(metric);
  series.unit = std::move(unit);
  series.provenance = provenance;
  series.dims = {std::move(dim)};
  series.shape = {static_cast<std::int64_t>(values.size())};
  series.values = std::move(values);
  return series;
}

std::string_view name(Outcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }
Provenance parse_provenance(std::string_view text) {
  return static_cast<Provenance>(position(kProvenances, text, "a provenance"));
}
Outcome parse_outcome(std::string_view text) {
  return static_cast<Outcome>(position(kOutcomes, text, "an outcome"));
}

const Measurement* PointResult::find(std::string_view metric) const {
  for (const auto& measurement : measurements) {
    if (measurement.metric == metric) return &measurement;
  }
  return nullptr;
}

Json to_json(const PointResult& result) {
  Json out;
  out.set("point", Json(Json::Object(result.point.begin(), result.point.end())));
  out.set("outcome", name(result.outcome)).set("reason", result.reason);
  Json metrics = Json::object();
  for (const auto& measurement : result.measurements)
    metrics.set(measurement.metric, measurement_json(measurement));
  out.set("metrics", std::move(metrics));
  if (!result.series.empty()) {
    Json series = Json::object();
    for (const auto& s : result.series) series.set(s.metric, series_json(s));
    out.set("series", std::move(series));
  }
  return out.set("warnings", Json::array_of(result.warnings));
}

PointResult point_result_from_json(const Json& json) {
  PointResult result;
  for (const auto& [axis, value] : json.at("point").as_object())
    result.point.emplace_back(axis, value);
  result.outcome = parse_outcome(json.at("outcome").as_string());
  result.reason = json.at("reason").as_string();
  for (const auto& [metric, value] : json.at("metrics").as_object()) {
    result.measurements.push_back(read_measurement(metric, value));
  }
  if (const auto* series = json.find("series")) {
    for (const auto& [metric, value] : series->as_object())
      result.series.push_back(read_series(metric, value));
  }
  for (const auto& warning : json.at("warnings").as_array())
    result.warnings.push_back(warning.as_string());
  return result;
}

}  // namespace hotexpert
