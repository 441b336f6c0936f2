#include <fmt/format.h>

#include <algorithm>

#include "scenarios/runner/axis_values.hpp"
#include "scenarios/runner/drop_series.hpp"
#include "scenarios/runner/drops_study.hpp"
#include "sim/base/errors.hpp"
#include "sim/metrics/binomial.hpp"
#include "sim/routing/factor_answer.hpp"

namespace hotexpert {
namespace {

/// The axes that tell one trace from another.
bool names_the_trace(const AxisRow& axis) {
  return axis.scope == AxisScope::kTrace || axis.name == "seed" || axis.name == "layer.experts" ||
         axis.name == "layer.top_k" || axis.name == "capacity.group";
}

Point trace_point(const PointSpec& spec) {
  Point point;
  for (auto& [name, value] : to_point(spec)) {
    const auto& axis = find_axis(name);
    if (!names_the_trace(axis)) continue;
    point.emplace_back(name, std::move(value));
  }
  return point;
}

/// Mean, p50, p95, p99 and max over (step, layer) at each capacity, and the floor beside them.
PointResult spectrum_point(const StudiedDrops& studied, const PointSpec& spec) {
  const SpectrumSummary summary = studied.spectra->all();
  const auto& scope = studied.scope;
  std::vector<double> rows;
  std::vector<double> floor;
  std::vector<double> mean;
  std::vector<Percentiles> over_steps;
  for (std::size_t i = 0; i < summary.capacities().size(); ++i) {
    const auto capacity = summary.capacities()[i];
    rows.push_back(static_cast<double>(capacity));
    floor.push_back(expected_drop_fraction(scope.tokens, scope.num_experts, scope.top_k, capacity));
    mean.push_back(summary.fractions(i).mean());
    over_steps.push_back(summary.fractions(i).percentiles());
    if (over_steps.back().max == 0 && floor.back() == 0) break;
  }
  PointResult result;
  result.point = trace_point(spec);
  const double mean_load = static_cast<double>(scope.tokens) * scope.top_k / scope.num_experts;
  result.measurements.push_back({"load.mean", mean_load, Provenance::kCounted});
  auto& series = result.series;
  series.push_back(
      series_along("capacity", "drop.spectrum_rows", "count", Provenance::kCounted, rows));
  series.push_back(
      series_along("capacity", "drop.spectrum_floor", "fraction", Provenance::kExpected, floor));
  Series shares =
      series_along("capacity", "drop.spectrum", "fraction", Provenance::kCounted, std::move(mean));
  for (const auto quantile :
       {&Percentiles::p50, &Percentiles::p95, &Percentiles::p99, &Percentiles::max}) {
    for (const auto& at : over_steps) shares.values.push_back(at.*quantile);
  }
  shares.dims = {"statistic", "capacity"};
  shares.shape = {5, static_cast<std::int64_t>(rows.size())};
  series.push_back(std::move(shares));
  result.warnings = studied.warnings;
  return result;
}

void add_if(PointResult& result, std::string metric, const std::optional<double>& value,
            Provenance provenance) {
  if (value) result.measurements.push_back({std::move(metric), *value, provenance});
}

PointResult table_point(const DropsRow& row, const PointSpec& spec) {
  PointResult result;
  result.point = trace_point(spec);
  result.point.push_back(
      {"capacity.factor", axis_value_json(find_axis("capacity.factor"), row.factor.to_string())});
  result.point.push_back({"capacity.rule", Json(row.rule)});
  if (!row.policy.empty()) result.point.push_back({"capacity.policy", Json(row.policy)});
  if (!row.unsupported.empty()) {
    result.outcome = Outcome::kSkipped;
    result.reason = row.unsupported;
    return result;
  }
  const auto counted = row.provenance;
  if (row.capacity) add_if(result, "capacity.rows", static_cast<double>(*row.capacity), counted);
  if (row.assignment_fraction) {
    Measurement share{"drop.assignment_fraction", *row.assignment_fraction, counted};
    share.percentiles = row.percentiles;
    result.measurements.push_back(std::move(share));
  }
  add_if(result, "drop.standard_error", row.standard_error, counted);
  add_if(result, "drop.floor_fraction", row.floor_fraction, Provenance::kExpected);
  add_if(result, "rows.padding_fraction", row.padding_fraction, counted);
  if (row.statistics) {
    add_if(result, "drop.token_lost_fraction", row.statistics->token_lost_fraction(), counted);
    add_if(result, "drop.gate_mass_fraction", row.statistics->gate_mass_fraction(), counted);
    for (auto& series : bias_series(*row.statistics)) result.series.push_back(std::move(series));
  }
  return result;
}

PointResult answer_point(const PointSpec& spec, const Json& layer, const CapacityRule& rule,
                         const FactorAnswer& answer) {
  PointResult result;
  result.point = trace_point(spec);
  for (auto& coordinate : result.point) {
    if (coordinate.first == "trace.layer") coordinate.second = Json(layer);
  }
  result.point.push_back({"capacity.rule", Json(rule.to_string())});
  result.point.push_back({"max_drop", Json(answer.tolerance.to_double())});
  result.point.push_back({"in_steps", Json(answer.share_of_steps.to_double())});
  const auto counted = Provenance::kCounted;
  result.measurements = {{"capacity.needed_factor", answer.setting.factor.to_double(), counted},
                         {"capacity.rows", static_cast<double>(answer.setting.capacity), counted},
                         {"drop.assignment_fraction", answer.pooled_fraction, counted},
                         {"rows.padding_fraction", answer.padding_fraction, counted}};
  return result;
}

}  // namespace

std::vector<PointResult> answer_points(const StudiedDrops& studied, const PointSpec& spec,
                                       const std::vector<std::string>& rules,
                                       const Decimal& share_of_steps) {
  std::vector<PointResult> points;
  const auto add = [&](const SpectrumSummary& summary, const Json& layer) {
    for (const auto& text : rules) {
      const CapacityRule rule(text);
      try {
        const auto answer =
            answer_factor(summary, 0, share_of_steps, rule, studied.scope, studied.groups);
        points.push_back(answer_point(spec, layer, rule, answer));
      } catch (const UsageError&) {
        continue;  // no factor of this rule gives such a capacity: the table says why
      }
    }
  };
  add(studied.spectra->all(), Json("all"));
  const auto layers = studied.spectra->layers();
  for (const int layer : layers) {
    if (layers.size() > 1) add(studied.spectra->of_layer(layer), Json(layer));
  }
  return points;
}

std::vector<PointResult> drops_points(const StudiedDrops& studied, const PointSpec& spec) {
  std::vector<PointResult> points;
  if (studied.spectra && studied.spectra->draws_curve())
    points.push_back(spectrum_point(studied, spec));
  if (!studied.table) return points;
  std::vector<std::vector<DropsRow>> by_layer;
  for (const int layer : studied.table->layers())
    by_layer.push_back(studied.table->rows_of_layer(layer));
  const auto rows = studied.table->rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    points.push_back(table_point(rows[i], spec));
    if (by_layer.size() < 2 || !rows[i].unsupported.empty()) continue;
    std::vector<double> shares;
    for (const auto& layer : by_layer) shares.push_back(layer[i].assignment_fraction.value_or(0));
    points.back().series.push_back(drops_by_layer(std::move(shares)));
  }
  return points;
}

}  // namespace hotexpert
