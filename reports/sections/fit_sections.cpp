#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kMedian = "fit.median_error";
constexpr std::string_view kP90 = "fit.p90_error";
constexpr std::string_view kRows = "fit.rows";
constexpr std::string_view kMeasured = "fit.measured_s";
constexpr std::string_view kPredicted = "fit.predicted_s";
constexpr std::string_view kCorrelation = "league.rank_correlation";
constexpr std::string_view kHeldOut = "league.held_out_error";
constexpr std::string_view kRegime = "league.regime";
constexpr std::string_view kMetric = "league.metric";

std::string errors_text(const Json& pooled) {
  return fmt::format("{} median, {} 90th percentile", percent(pooled.at("median").as_double()),
                     percent(pooled.at("p90").as_double()));
}

/// Of the whole file, as `model validate` summed it up in the manifest.
void say_validation(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  for (const auto& run : comparison.runs) {
    const Json* summary = run.manifest.find("validation");
    if (summary == nullptr) continue;
    const Json& law = summary->at("cost_law");
    out.push_back(
        {"predicted-measured", percent(law.at("median").as_double()),
         fmt::format("The cost law is {} off over {} published measurements; a 3-constant roofline "
                     "{}. It says rightly whether skew costs or saves in {} of {} rows.",
                     errors_text(law), law.at("n").as_integer(),
                     errors_text(summary->at("roofline")), summary->at("sign_right").as_integer(),
                     summary->at("sign_total").as_integer())});
    if (const Json* left_out = summary->find("left_out"))
      out.push_back({"predicted-measured", percent(left_out->at("median").as_double()),
                     fmt::format("On layer shapes that were left out of the fit it is {} off.",
                                 errors_text(*left_out))});
  }
  if (!out.empty() && out.back().chart == "predicted-measured") return;
  for (const auto& line : view.lines) {
    const auto& result = comparison.points[line.points.front()].result;
    out.push_back({"predicted-measured", percent(result.find(kMedian)->value),
                   fmt::format("{}: the cost law is {} off in the median of {} passes, {} at the "
                               "90th percentile.",
                               line.label.empty() ? "All passes" : code_name(line.label),
                               percent(result.find(kMedian)->value),
                               significant(result.find(kRows)->value, 6),
                               percent(result.find(kP90)->value))});
  }
}

std::string axis_text(const ComparedPoint& point, std::string_view axis) {
  for (const auto& [name, value] : point.result.point) {
    if (name == axis) return display(value);
  }
  return "";
}

double correlation_of(const ComparedPoint& point) { return point.result.find(kCorrelation)->value; }

void say_league(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  std::map<std::string, std::size_t> best;
  std::vector<std::string> order;
  double of_max = 0;  // the best that the number everyone prints does anywhere
  for (const std::size_t i : view.eligible) {
    const auto& point = comparison.points[i];
    const std::string regime = axis_text(point, kRegime);
    if (axis_text(point, kMetric) == "load.max_over_mean")
      of_max = std::max(of_max, std::abs(correlation_of(point)));
    const auto found = best.find(regime);
    if (found == best.end()) {
      best[regime] = i;
      order.push_back(regime);
    } else if (std::abs(correlation_of(point)) >
               std::abs(correlation_of(comparison.points[found->second]))) {
      found->second = i;
    }
  }
  std::vector<std::string> said;
  for (const auto& regime : order) {
    const auto& point = comparison.points[best[regime]];
    said.push_back(fmt::format("{} by {} ({})", regime, code_name(axis_text(point, kMetric)),
                               significant(correlation_of(point), 2)));
  }
  if (said.empty()) return;
  out.push_back({"metric-league", significant(of_max, 2),
                 fmt::format("The time is told best, rank correlation in brackets: {}. Max/mean "
                             "expert load reaches {} at most.",
                             enumerate(said), significant(of_max, 2))});
}

}  // namespace

const ReportSection kPredictedMeasured = {
    .id = "predicted-measured",
    .group = SectionGroup::kModel,
    .title = "Predicted against measured",
    .how_to_read =
        "Each mark is a measured pass of the layer; on the dashed diagonal the cost law is exact. "
        "Where a second panel is shown, its predictions come from a fit that had not seen the "
        "layer's shape.",
    .view =
        [] {
          return ViewSpec{.x = "",
                          .along = {"ep.ranks", "skew.model"},
                          .lines = {"run", "layer.preset", "kernel"},
                          .metrics = {kMedian, kP90},
                          .series = {kMeasured, kPredicted}};
        },
    .table =
        [](const Comparison& comparison, const View& view) {
          return point_table(comparison, view, "Error of the cost law", {kRows, kMedian, kP90});
        },
    .findings = say_validation,
    .series =
        [] {
          return std::vector{
              SeriesRequest{.metric = kMeasured}, SeriesRequest{.metric = kPredicted},
              SeriesRequest{.metric = "fit.held_out_s"}, SeriesRequest{.metric = "fit.tokens"}};
        },
};

const ReportSection kMetricLeague = {
    .id = "metric-league",
    .group = SectionGroup::kModel,
    .title = "Which load metric tells the time",
    .how_to_read =
        "Spearman's rank correlation of each load metric with skewed / balanced time, a panel a "
        "regime, best metric on top: 1 or -1 tells the order of the times perfectly, 0 nothing. "
        "The table adds how far a line in the metric is off on points it was not fitted to.",
    .view =
        [] {
          return ViewSpec{
              .x = "", .along = {"league."}, .lines = {"run"}, .metrics = {kCorrelation, kHeldOut}};
        },
    .table =
        [](const Comparison& comparison, const View& view) {
          return point_table(comparison, view, "League of load metrics",
                             {kCorrelation, kHeldOut, kRows});
        },
    .findings = say_league,
};

}  // namespace hotexpert
