#include "reports/sections/lab_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "reports/number_format.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kWeight = "train.weight";

/// Where an absent weight stands: before every number.
double weight_key(const std::optional<double>& weight) {
  return weight.value_or(-std::numeric_limits<double>::infinity());
}

/// Student's interval of a few seeds reaches beyond what a quantity can be: no load is below its
/// mean, no loss, share or count below 0, no share above 1.
Interval within_range(std::string_view metric, std::string_view unit, Interval interval) {
  constexpr std::array<std::string_view, 7> kNeverNegative = {"count", "s",    "bytes",   "loss",
                                                              "nat",   "norm", "fraction"};
  if (std::ranges::find(kNeverNegative, unit) != kNeverNegative.end())
    interval.low = std::max(interval.low, 0.0);
  if (unit == "fraction") interval.high = std::min(interval.high, 1.0);
  if (metric == "load.max_over_mean") interval.low = std::max(interval.low, 1.0);
  return interval;
}

}  // namespace

std::string LabGroup::name() const {
  return weight ? fmt::format("{} {}", method, shortest(*weight)) : method;
}

std::vector<LabGroup> lab_groups(const Comparison& comparison, const View& view) {
  std::vector<LabGroup> groups;
  for (const auto& line : view.lines) {
    std::map<double, LabGroup> by_weight;
    for (const std::size_t point : line.points) {
      const double weight = x_of(comparison.points[point], kWeight);
      LabGroup group{line.label, {}, {}};
      if (group.method.empty()) {
        const auto& axes = comparison.points[point].result.point;
        const auto found = std::find_if(axes.begin(), axes.end(), [](const auto& axis) {
          return axis.first == "train.method";
        });
        if (found != axes.end()) group.method = display(found->second);
      }
      if (!std::isnan(weight)) group.weight = weight;
      auto& own = by_weight.try_emplace(weight_key(group.weight), std::move(group)).first->second;
      own.points.push_back(point);
    }
    for (auto& [weight, group] : by_weight) groups.push_back(std::move(group));
  }
  return groups;
}

std::optional<SeedMean> seed_mean(const Comparison& comparison, const LabGroup& group,
                                  std::string_view metric) {
  std::vector<double> values;
  for (const std::size_t point : group.points) {
    if (const auto* found = comparison.points[point].result.find(metric)) {
      values.push_back(found->value);
    }
  }
  if (values.empty()) return std::nullopt;
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  SeedMean out{mean(values), {*least, *greatest}, {}};
  if (values.size() >= kFewestShownWithInterval) out.ci95 = mean_interval(values);
  if (out.ci95) out.ci95 = within_range(metric, comparison.metric(metric)->unit, *out.ci95);
  return out;
}

std::vector<std::string> variants_of(const Comparison& comparison, std::string_view metric) {
  std::vector<std::string> names;
  for (const auto& candidate : comparison.metrics) {
    if (candidate.name.size() > metric.size() && candidate.name.rfind(metric, 0) == 0 &&
        candidate.name[metric.size()] == '@') {
      names.push_back(candidate.name);
    }
  }
  return names;
}

Table lab_table(const Comparison& comparison, const View& view, std::string caption,
                const std::vector<std::string_view>& metrics) {
  Table table{std::move(caption), {{"method"}, {"weight", true}, {"seeds", true}}, {}, 0};
  const auto groups = lab_groups(comparison, view);
  for (const auto& group : groups) {
    table.rows.push_back({kNone,
                          {group.method, group.weight ? shortest(*group.weight) : "",
                           std::to_string(group.points.size())}});
  }
  for (const auto name : metrics) {
    const auto* metric = comparison.metric(name);
    if (metric == nullptr) continue;
    std::vector<std::optional<SeedMean>> means;
    double largest = 0;
    for (const auto& group : groups) {
      means.push_back(seed_mean(comparison, group, name));
      if (means.back()) largest = std::max(largest, std::fabs(means.back()->value));
    }
    const auto shown = display_unit(metric->unit, largest);
    table.columns.push_back(
        {shown.suffix.empty() ? metric->label : metric->label + ", " + shown.suffix, true});
    table.columns.push_back({"95 % over seeds", true});
    const auto text = [&](double value) { return significant(value / shown.divisor, 4); };
    for (std::size_t i = 0; i < groups.size(); ++i) {
      auto& cells = table.rows[i].cells;
      cells.push_back(means[i] ? text(means[i]->value) : "");
      cells.push_back(means[i] && means[i]->ci95
                          ? text(means[i]->ci95->low) + " to " + text(means[i]->ci95->high)
                          : "");
    }
  }
  return table;
}

ViewSpec lab_view(std::vector<std::string_view> metrics) {
  metrics.push_back("train.task_loss");
  return {.along = {"seed", kWeight}, .lines = {"run", "train.method"}, .metrics = metrics};
}

}  // namespace hotexpert
