#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkewed = "load.measured_batch";
constexpr std::string_view kBalanced = "load.balanced_batch";

const std::vector<double>* values_of(const PointResult& result, std::string_view metric) {
  for (const auto& series : result.series) {
    if (series.metric == metric && !series.values.empty()) return &series.values;
  }
  return nullptr;
}

double skew_of(const std::vector<double>& load) {
  const double sum = std::accumulate(load.begin(), load.end(), 0.0);
  const double largest = *std::max_element(load.begin(), load.end());
  return sum > 0 ? largest * static_cast<double>(load.size()) / sum : 0;
}

/// The shown point with the most skew, or kNone.
std::size_t most_skewed(const Comparison& comparison, const View& view) {
  std::size_t best = kNone;
  double best_skew = -1;
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) {
      const auto* load = values_of(comparison.points[i].result, kSkewed);
      if (load == nullptr || skew_of(*load) <= best_skew) continue;
      best = i;
      best_skew = skew_of(*load);
    }
  }
  return best;
}

ViewSpec view() {
  return {"", {"skew.", "trace.", "kernel", "seed"}, {}, {}, {kSkewed, kBalanced}, {}};
}

Table table(const Comparison& comparison, const View& view) {
  Table out{"Tokens of each expert in the most skewed measured batch and in its balanced control",
            {{"expert", true}, {"skewed", true}, {"balanced", true}, {"skewed / mean", true}},
            {},
            0};
  const std::size_t point = most_skewed(comparison, view);
  if (point == kNone) return out;
  const auto& result = comparison.points[point].result;
  const auto& skewed = *values_of(result, kSkewed);
  const auto* balanced = values_of(result, kBalanced);
  const double mean_load =
      std::accumulate(skewed.begin(), skewed.end(), 0.0) / static_cast<double>(skewed.size());
  for (std::size_t expert = 0; expert < skewed.size(); ++expert) {
    const bool has = balanced != nullptr && expert < balanced->size();
    out.rows.push_back({kNone,
                        {std::to_string(expert), shortest(skewed[expert]),
                         has ? shortest((*balanced)[expert]) : "",
                         mean_load > 0 ? fmt::format("{:.2f}", skewed[expert] / mean_load) : ""}});
  }
  return out;
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const std::size_t point = most_skewed(comparison, view);
  if (point == kNone) return;
  const auto& load = *values_of(comparison.points[point].result, kSkewed);
  const double skew = skew_of(load);
  if (skew < 1.05) return;
  const auto hottest = std::max_element(load.begin(), load.end());
  const double sum = std::accumulate(load.begin(), load.end(), 0.0);
  out.push_back(
      {"tokens-per-expert", times(skew),
       fmt::format("In the most skewed batch expert {} of {} takes {} of all assignments, "
                   "{} the mean; the balanced control gives each expert {}.",
                   hottest - load.begin(), load.size(), percent(*hottest / sum), times(skew),
                   percent(1.0 / static_cast<double>(load.size())))});
}

}  // namespace

const ReportSection kTokensPerExpert = {
    "tokens-per-expert",
    "Tokens per expert",
    "The batch with the most skew beside its balanced control: the same tokens in number, spread "
    "evenly. The line is the mean.",
    view,
    table,
    say};

}  // namespace hotexpert
