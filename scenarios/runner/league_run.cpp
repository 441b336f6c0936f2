#include "scenarios/runner/league_run.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>

#include "sim/metrics/load_metrics.hpp"

namespace hotexpert {
namespace {

using Loads = std::vector<std::int64_t>;

struct MetricRule {
  std::string_view name;
  double (*value)(std::span<const std::int64_t> loads, std::span<const std::int64_t> control);
};

constexpr std::array kRules = {
    MetricRule{"load.max_over_mean", [](auto loads, auto) { return max_over_mean(loads); }},
    MetricRule{"load.cv", [](auto loads, auto) { return load_cv(loads); }},
    MetricRule{"load.gini", [](auto loads, auto) { return load_gini(loads); }},
    MetricRule{"load.active_experts",
               [](auto loads, auto control) {
                 return static_cast<double>(active_experts(loads)) /
                        static_cast<double>(active_experts(control));
               }},
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
    const Loads loads = loads_of(run, result, "load.measured_batch");
    const Loads control = loads_of(run, result, "load.balanced_batch");
    if (tax == nullptr || loads.empty() || control.empty() || !(tax->value > -1)) continue;
    const std::string tokens = text_of(result, "step.tokens");
    LeagueSample sample;
    const std::string pass = text_of(result, "layer.pass");
    sample.regime = fmt::format("{}{}, {}", text_of(result, "kernel"),
                                pass.empty() || pass == "forward" ? "" : " " + pass,
                                token_regime(std::stoll(tokens.empty() ? "1" : tokens)));
    sample.time_ratio = 1 + tax->value;
    for (const auto& rule : kRules) sample.metrics.push_back(rule.value(loads, control));
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace hotexpert
