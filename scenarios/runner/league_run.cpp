#include "scenarios/runner/league_run.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "sim/metrics/load_metrics.hpp"

namespace hotexpert {
namespace {

using Loads = std::vector<std::int64_t>;

/// The timed batch and its balanced control, seen in the ways metrics need.
struct BatchLoads {
  Loads experts;
  Loads control;
  Loads ranks;  ///< rows of each rank; one entry on one rank
};

constexpr std::int64_t kTileRows = 128;

/// Row tiles of the batch: what a tiled kernel's waves are made of.
double row_tiles(const Loads& loads) {
  std::int64_t tiles = 0;
  for (const std::int64_t rows : loads) tiles += (rows + kTileRows - 1) / kTileRows;
  return static_cast<double>(tiles);
}

struct MetricRule {
  std::string_view name;
  double (*value)(const BatchLoads& loads);
};

constexpr std::array kRules = {
    MetricRule{"load.max_over_mean", [](const auto& l) { return max_over_mean(l.experts); }},
    MetricRule{"load.max_vio_batch", [](const auto& l) { return max_over_mean(l.experts) - 1; }},
    MetricRule{"load.cv", [](const auto& l) { return load_cv(l.experts); }},
    MetricRule{"load.gini", [](const auto& l) { return load_gini(l.experts); }},
    MetricRule{"load.active_experts",
               [](const auto& l) {
                 return static_cast<double>(active_experts(l.experts)) /
                        static_cast<double>(active_experts(l.control));
               }},
    MetricRule{"rank.max_over_mean", [](const auto& l) { return max_over_mean(l.ranks); }},
    MetricRule{"rank.cv", [](const auto& l) { return load_cv(l.ranks); }},
    MetricRule{"tile_waves",
               [](const auto& l) { return row_tiles(l.experts) / row_tiles(l.control); }},
};

Loads loads_of(const Run& run, const PointResult& result, std::string_view metric) {
  Loads loads;
  for (const auto& series : result.series) {
    if (series.metric != metric) continue;
    for (const double value : series_values(run.dir, series)) loads.push_back(std::llround(value));
  }
  return loads;
}

std::string text_of(const PointResult& result, std::string_view axis) {
  for (const auto& [name, value] : result.point) {
    if (name == axis) return value.is_string() ? value.as_string() : value.dump();
  }
  return "";
}

}  // namespace

std::vector<std::string> run_metric_names() {
  std::vector<std::string> names;
  for (const auto& rule : kRules) names.emplace_back(rule.name);
  return names;
}

std::vector<LeagueSample> run_samples(const Run& run) {
  std::vector<LeagueSample> samples;
  for (const auto& result : run.points) {
    const auto* tax = result.find("layer.imbalance_tax");
    BatchLoads loads{loads_of(run, result, "load.measured_batch"),
                     loads_of(run, result, "load.balanced_batch"),
                     loads_of(run, result, "rank_rows")};
    if (tax == nullptr || loads.experts.empty() || loads.control.empty() || !(tax->value > -1))
      continue;
    const bool parallel = loads.ranks.size() > 1;
    if (!parallel) loads.ranks = {1};
    const std::string tokens = text_of(result, "step.tokens");
    LeagueSample sample;
    const std::string pass = text_of(result, "layer.pass");
    sample.regime = fmt::format("{}{}, {}{}", text_of(result, "kernel"),
                                pass.empty() || pass == "forward" ? "" : " " + pass,
                                token_regime(std::stoll(tokens.empty() ? "1" : tokens)),
                                parallel ? ", expert parallel" : "");
    sample.time_ratio = 1 + tax->value;
    for (const auto& rule : kRules) sample.metrics.push_back(rule.value(loads));
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace hotexpert
