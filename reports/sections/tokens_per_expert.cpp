#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkewed = "load.measured_batch";
constexpr std::string_view kBalanced = "load.balanced_batch";

double skew_of(const std::vector<double>& load) {
  const double sum = std::accumulate(load.begin(), load.end(), 0.0);
  const double largest = *std::max_element(load.begin(), load.end());
  return sum > 0 ? largest * static_cast<double>(load.size()) / sum : 0;
}

struct Loads {
  std::vector<double> skewed;
  std::vector<double> balanced;
};

/// The loads of the shown point with the most skew.
std::optional<Loads> most_skewed(const Comparison& comparison, const View& view) {
  std::optional<Loads> best;
  double best_skew = -1;
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) {
      const auto load = read_series(comparison, i, kSkewed);
      const auto control = read_series(comparison, i, kBalanced);
      if (!load || load->values.empty() || skew_of(load->values) <= best_skew) continue;
      best_skew = skew_of(load->values);
      best = Loads{load->values, control ? control->values : std::vector<double>{}};
    }
  }
  return best;
}

ViewSpec view() {
  return {"", {"skew.", "trace.", "kernel", "seed"}, {}, {}, {kSkewed, kBalanced}, {}};
}

std::vector<SeriesRequest> series() {
  return {{.metric = kSkewed, .most_of = "load.max_over_mean"},
          {.metric = kBalanced, .most_of = "load.max_over_mean"}};
}

Table table(const Comparison& comparison, const View& view) {
  Table out{"Tokens of each expert in the most skewed measured batch and in its balanced control",
            {{"expert", true}, {"skewed", true}, {"balanced", true}, {"skewed / mean", true}},
            {},
            0};
  const auto loads = most_skewed(comparison, view);
  if (!loads) return out;
  const auto& [skewed, balanced] = *loads;
  const double mean_load =
      std::accumulate(skewed.begin(), skewed.end(), 0.0) / static_cast<double>(skewed.size());
  for (std::size_t expert = 0; expert < skewed.size(); ++expert) {
    const bool has = expert < balanced.size();
    out.rows.push_back(
        {kNone,
         {std::to_string(expert), shortest(skewed[expert]), has ? shortest(balanced[expert]) : "",
          mean_load > 0 ? fmt::format("{:.2f}", skewed[expert] / mean_load) : ""}});
  }
  return out;
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const auto loads = most_skewed(comparison, view);
  if (!loads) return;
  const auto& load = loads->skewed;
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
    .id = "tokens-per-expert",
    .group = SectionGroup::kLoad,
    .title = "Tokens per expert",
    .how_to_read =
        "The batch with the most skew beside its balanced control: the same tokens in number, "
        "spread evenly. The line is the mean.",
    .view = view,
    .table = table,
    .findings = say,
    .series = series,
};

}  // namespace hotexpert
