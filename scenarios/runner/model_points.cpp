#include "scenarios/runner/model_points.hpp"

#include <map>
#include <string>

namespace hotexpert {
namespace {

constexpr auto kModelled = Provenance::kModelled;
constexpr auto kMeasured = Provenance::kMeasured;

/// Passes of one label: what was measured of each and what the law said.
struct ScoredPasses {
  std::vector<double> tokens;
  std::vector<double> measured_s;
  std::vector<double> predicted_s;
  std::vector<double> held_out_s;  ///< empty, or one a pass
};

PointResult scored_point(Point point, const ErrorRow& error, ScoredPasses passes) {
  PointResult result;
  result.point = std::move(point);
  result.measurements = {{"fit.median_error", error.median_abs_error, kMeasured},
                         {"fit.p90_error", error.p90_abs_error, kMeasured},
                         {"fit.rows", static_cast<double>(error.n), Provenance::kCounted}};
  const auto add = [&](const char* metric, const char* unit, Provenance provenance,
                       std::vector<double> values) {
    if (!values.empty())
      result.series.push_back(series_along("row", metric, unit, provenance, std::move(values)));
  };
  add("fit.tokens", "count", Provenance::kCounted, std::move(passes.tokens));
  add("fit.measured_s", "s", kMeasured, std::move(passes.measured_s));
  add("fit.predicted_s", "s", kModelled, std::move(passes.predicted_s));
  add("fit.held_out_s", "s", kModelled, std::move(passes.held_out_s));
  return result;
}

/// [rows] predictions by the fit that had not seen the row's shape; empty without such fits.
std::vector<double> held_out_predictions(const ValidationReport& report, std::size_t rows) {
  const HoldOut* shapes = report.held_out_by("model_shape");
  if (shapes == nullptr || shapes->overall.n != static_cast<std::int64_t>(rows)) return {};
  std::vector<double> held_out_s(rows);
  for (const auto& score : shapes->scores) {
    for (const auto& prediction : score.predictions)
      held_out_s[prediction.row] = prediction.predicted_s;
  }
  return held_out_s;
}

}  // namespace

std::vector<PointResult> price_points(const Point& layer, const std::vector<PriceCell>& cells) {
  std::vector<PointResult> points;
  for (const auto& cell : cells) {
    PointResult result;
    result.point = layer;
    result.point.emplace_back("step.tokens", cell.tokens);
    result.point.emplace_back("skew", cell.skew);
    result.measurements = {{"layer.total_s", cell.seconds, kModelled},
                           {"layer.balanced_total_s", cell.balanced_seconds, kModelled}};
    Measurement tax{"layer.imbalance_tax", cell.ratio - 1, kModelled};
    if (cell.ratio_ci95) tax.ci95 = Interval{cell.ratio_ci95->low - 1, cell.ratio_ci95->high - 1};
    result.measurements.push_back(std::move(tax));
    Measurement price{"layer.skew_price_s", cell.seconds_per_percent, kModelled};
    if (const auto error = cell.seconds_per_percent_error)
      price.ci95 = Interval{price.value - *error, price.value + *error};
    result.measurements.push_back(std::move(price));
    result.series.push_back(
        series_along("cause", "price.cause_s", "s", kModelled,
                     std::vector<double>(cell.cause_s.begin(), cell.cause_s.end())));
    points.push_back(std::move(result));
  }
  return points;
}

std::vector<PointResult> validation_points(const ValidationReport& report,
                                           const std::vector<PublishedRow>& rows) {
  const auto held_out_s = held_out_predictions(report, rows.size());
  std::vector<PointResult> points;
  for (const ErrorRow& error : report.rows) {
    ScoredPasses passes;
    for (const auto& prediction : report.cost_law.predictions) {
      const PublishedRow& row = rows[prediction.row];
      if (row.model != error.model_shape || row.distribution != error.distribution ||
          std::to_string(row.expert_parallel) != error.expert_parallel)
        continue;
      passes.tokens.push_back(static_cast<double>(row.num_tokens));
      passes.measured_s.push_back(row.latency_s);
      passes.predicted_s.push_back(prediction.predicted_s);
      if (!held_out_s.empty()) passes.held_out_s.push_back(held_out_s[prediction.row]);
    }
    points.push_back(scored_point({{"layer.preset", Json(error.model_shape)},
                                   {"ep.ranks", Json(std::stoi(error.expert_parallel))},
                                   {"skew.model", Json(error.distribution)}},
                                  error, std::move(passes)));
  }
  return points;
}

std::vector<PointResult> validation_points(const std::vector<CalibrationSample>& samples,
                                           const std::vector<double>& predicted_s) {
  std::map<KernelFamily, ScoredPasses> by_family;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    auto& passes = by_family[samples[i].family];
    passes.tokens.push_back(static_cast<double>(samples[i].tokens));
    passes.measured_s.push_back(samples[i].seconds);
    passes.predicted_s.push_back(predicted_s[i]);
  }
  std::vector<PointResult> points;
  for (const auto& family : family_errors(samples, predicted_s)) {
    ErrorRow error;
    error.n = family.n;
    error.median_abs_error = family.median_error;
    error.p90_abs_error = family.p90_error;
    points.push_back(scored_point({{"kernel", Json(name(family.family))}}, error,
                                  std::move(by_family[family.family])));
  }
  return points;
}

std::vector<PointResult> league_points(const std::vector<LeagueRow>& league) {
  std::vector<PointResult> points;
  for (const auto& row : league) {
    PointResult result;
    result.point = {{"league.regime", Json(row.regime)}, {"league.metric", Json(row.metric)}};
    result.measurements = {{"league.rank_correlation", row.rank_correlation, kMeasured},
                           {"league.held_out_error", row.held_out_error, kMeasured},
                           {"fit.rows", static_cast<double>(row.n), Provenance::kCounted}};
    points.push_back(std::move(result));
  }
  return points;
}

}  // namespace hotexpert
