#include "tests/reports/fake_model.hpp"

#include <cmath>

#include "reports/run_store.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert::test_support {
namespace {

constexpr auto kModelled = Provenance::kModelled;

Measurement with_interval(const char* metric, double value, double half_width) {
  return {metric, value, kModelled, {}, Interval{value - half_width, value + half_width}, {}};
}

void write_points(const std::string& dir, const char* title, const char* axes, const Json& facts,
                  const std::vector<PointResult>& points) {
  Json manifest = small_manifest();
  manifest.set("title", title).set("axes", Json::parse(axes, "axes"));
  manifest.set("scenario", Json::object());
  for (const auto& [key, value] : facts.as_object()) manifest.set(key, value);
  RunWriter writer = RunWriter::create(dir, manifest);
  for (const auto& point : points) writer.append(point);
}

PointResult price_point(int tokens, double skew) {
  const double slow = 1 + 0.1 * std::log2(skew) * std::log2(tokens / 100.0);
  const double balanced = 1e-4 + 2e-8 * tokens;
  PointResult point;
  point.point = {{"step.tokens", Json(tokens)}, {"skew", Json(skew)}};
  point.measurements = {
      {"layer.total_s", balanced * slow, kModelled},
      {"layer.balanced_total_s", balanced, kModelled},
      with_interval("layer.imbalance_tax", slow - 1, 0.05),
      with_interval("layer.skew_price_s", 1e-7 * std::log2(tokens / 100.0), 2e-7)};
  point.series = {series_along("cause", "price.cause_s", "s", kModelled,
                               {2e-5, 8e-5, 1e-8 * tokens, 5e-6, balanced * (slow - 1)})};
  return point;
}

}  // namespace

void write_price_run(const std::string& dir) {
  std::vector<PointResult> points;
  for (const int tokens : {16, 256, 4096, 16384}) {
    for (const double skew : {1.0, 2.0, 4.0}) points.push_back(price_point(tokens, skew));
  }
  const Json device = Json::parse(
      R"({"h100-sxm":{"held_out_error":0.05,"held_out_elasticity_error":0.1,
          "constants":{"launch_s":2.7e-6},"uncertainty":{"launch_s":0.05}}})",
      "devices");
  write_points(dir, "The price of skew",
               R"([{"name":"step.tokens","label":"tokens a step","unit":"count"},
                   {"name":"skew","label":"max/mean load","unit":"ratio"}])",
               Json::object().set("devices", device), points);
}

void write_validation_run(const std::string& dir) {
  std::vector<PointResult> points;
  for (const char* shape : {"wide", "narrow"}) {
    for (const int ranks : {1, 8}) {
      PointResult point;
      point.point = {{"layer.preset", Json(shape)}, {"ep.ranks", Json(ranks)}};
      point.measurements = {{"fit.median_error", 0.02, Provenance::kMeasured},
                            {"fit.p90_error", 0.02, Provenance::kMeasured},
                            {"fit.rows", 5, Provenance::kCounted}};
      std::vector<double> tokens;
      std::vector<double> measured;
      std::vector<double> predicted;
      std::vector<double> held_out;
      for (int i = 0; i < 5; ++i) {
        tokens.push_back(std::pow(4.0, i));
        measured.push_back(3e-5 * tokens.back() / ranks);
        predicted.push_back(measured.back() * (i % 2 == 0 ? 1.02 : 0.98));
        held_out.push_back(measured.back() * (i % 2 == 0 ? 1.04 : 0.96));
      }
      point.series = {series_along("row", "fit.tokens", "count", Provenance::kCounted, tokens),
                      series_along("row", "fit.measured_s", "s", Provenance::kMeasured, measured),
                      series_along("row", "fit.predicted_s", "s", kModelled, predicted),
                      series_along("row", "fit.held_out_s", "s", kModelled, held_out)};
      points.push_back(std::move(point));
    }
  }
  const Json summary = Json::parse(
      R"({"cost_law":{"n":20,"median":0.02,"p90":0.021},"roofline":{"n":20,"median":0.2,"p90":0.5},
          "left_out":{"n":20,"median":0.04,"p90":0.041},"sign_right":9,"sign_total":10,
          "anomalies":0,"free_constants":[]})",
      "validation");
  write_points(dir, "The cost law",
               R"([{"name":"layer.preset","label":"layer preset","unit":""},
                   {"name":"ep.ranks","label":"ranks","unit":"count"}])",
               Json::object().set("validation", summary), points);
}

void write_league_run(const std::string& dir) {
  struct Row {
    const char* regime;
    const char* metric;
    double correlation;
  };
  std::vector<PointResult> points;
  for (const Row& row :
       {Row{"few tokens", "load.active_experts", 0.9}, Row{"few tokens", "rank.cv", 0.3},
        Row{"few tokens", "load.max_over_mean", -0.1}, Row{"many tokens", "rank.cv", 0.8},
        Row{"many tokens", "load.active_experts", 0.2},
        Row{"many tokens", "load.max_over_mean", 0.15}}) {
    PointResult point;
    point.point = {{"league.regime", Json(row.regime)}, {"league.metric", Json(row.metric)}};
    point.measurements = {{"league.rank_correlation", row.correlation, Provenance::kMeasured},
                          {"league.held_out_error", 0.1, Provenance::kMeasured},
                          {"fit.rows", 40, Provenance::kCounted}};
    points.push_back(std::move(point));
  }
  write_points(dir, "Load metrics",
               R"([{"name":"league.regime","label":"regime","unit":""},
                   {"name":"league.metric","label":"load metric","unit":""}])",
               Json::object(), points);
}

void write_verdict_run(const std::string& dir) {
  std::vector<PointResult> points;
  for (const int interval : {0, 50, 5}) {
    for (const int window : {10, 40}) {
      const double saved_s = interval == 0 ? 0.4e-3 : 1.2e-3;
      const double charge_s = interval == 0 ? 0.01e-3 : 10e-3 / interval;
      const double gain = (saved_s - charge_s) / 10e-3;
      PointResult point;
      point.point = {{"placement.method", Json("eplb")},
                     {"verdict.interval", Json(interval)},
                     {"verdict.window", Json(window)}};
      point.measurements = {with_interval("place.gain", gain, 0.01),
                            {"place.min_gain", 0.01, kModelled},
                            {"place.baseline_step_s", 10e-3, kModelled},
                            {"place.saved_s", saved_s, kModelled},
                            {"place.charge_s", charge_s, kModelled},
                            {"place.moved_bytes", 2e9, Provenance::kCounted},
                            {"rank.max_over_mean", 1.2, Provenance::kCounted},
                            {"place.planned_max_over_mean", 1.02, Provenance::kCounted},
                            {"place.foresight", 0.8, Provenance::kCounted},
                            {"place.regret", 0.03, kModelled}};
      if (gain > 0) point.measurements.push_back({"place.break_even_steps", 40, kModelled});
      points.push_back(std::move(point));
    }
  }
  const Json verdict = Json::parse(
      R"({"verdict":"enable","reasons":["It gains 10 %.","Loads persist."],"interval":50,
          "window":40,"judged_steps":200,"min_gain":0.01})",
      "verdict");
  write_points(dir, "Does rebalancing pay?",
               R"([{"name":"verdict.interval","label":"steps between plans","unit":"count"},
                   {"name":"verdict.window","label":"steps a plan sees","unit":"count"}])",
               Json::object().set("verdict", verdict), points);
}

}  // namespace hotexpert::test_support
