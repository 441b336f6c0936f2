#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/ratio.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkew = "load.max_over_mean";
constexpr std::string_view kTime = "layer.total_s";
constexpr std::size_t kMaxGrowths = 8;  ///< the chart says the rest
constexpr double kFlat = 1.1;           ///< a growth whose interval ends below this is called flat

ViewSpec view() {
  return {kSkew, {"skew.", "trace.layer"}, {"run", "kernel", "backend", "device"}, {kTime}, {}, {}};
}

Table table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view, "Layer time against skew",
                     {kSkew, "load.active_experts", kTime, "layer.model_error",
                      "layer.expert_ffn_s", "kernel.flops_per_s", "rows.padding_fraction"});
}

const PointResult& first(const Comparison& comparison, const Line& line) {
  return comparison.points[line.points.front()].result;
}
const PointResult& last(const Comparison& comparison, const Line& line) {
  return comparison.points[line.points.back()].result;
}

bool spans_skew(const Comparison& comparison, const Line& line) {
  return last(comparison, line).find(kSkew)->value >
         1.2 * first(comparison, line).find(kSkew)->value;
}

double growth_of(const Comparison& comparison, const Line& line) {
  return last(comparison, line).find(kTime)->value / first(comparison, line).find(kTime)->value;
}

std::string with_name(const Line& line) {
  return line.label.empty() ? "The layer time"
                            : fmt::format("With {} the layer time", code_name(line.label));
}

void say_growth(const Comparison& comparison, const Line& line, std::vector<Finding>& out) {
  const auto& low = first(comparison, line);
  const auto& high = last(comparison, line);
  const Ratio growth = ratio_of(*high.find(kTime), *low.find(kTime));
  if (!growth.ci95) return;
  std::string verb;
  if (growth.above(1)) {
    verb = growth.below(kFlat) ? "stays nearly flat:" : "grows";
  } else if (growth.below(1)) {
    verb = "falls to";
  } else if (growth.above(1 / kFlat) && growth.below(kFlat)) {
    verb = "stays flat:";
  } else {
    return;
  }
  out.push_back({"time-by-skew", times(growth.value),
                 fmt::format("{} {} {} as max/mean load goes from {} to {}.", with_name(line), verb,
                             times(growth.value, growth.ci95), significant(low.find(kSkew)->value),
                             significant(high.find(kSkew)->value))});
}

/// Names the kernel that is fastest at the most skewed points, if its lead is beyond doubt.
void say_fastest(const Comparison& comparison, const std::vector<const Line*>& lines,
                 std::vector<Finding>& out) {
  const Line* best = nullptr;
  for (const auto* line : lines) {
    if (best == nullptr ||
        last(comparison, *line).find(kTime)->value < last(comparison, *best).find(kTime)->value)
      best = line;
  }
  std::vector<std::string> others;
  double largest_lead = 1;
  for (const auto* line : lines) {
    if (line == best) continue;
    const Ratio lead =
        ratio_of(*last(comparison, *line).find(kTime), *last(comparison, *best).find(kTime));
    if (!lead.above(1.01)) continue;
    largest_lead = std::max(largest_lead, lead.value);
    others.push_back(
        fmt::format("{} takes {} as long", code_name(line->label), times(lead.value, lead.ci95)));
  }
  if (others.empty()) return;
  out.push_back({"time-by-skew", times(largest_lead),
                 fmt::format("At max/mean load {} {} is fastest: {}.",
                             significant(last(comparison, *best).find(kSkew)->value),
                             code_name(best->label), enumerate(others))});
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  std::vector<const Line*> lines;
  for (const auto& line : view.lines) {
    if (line.points.size() < 2 || !spans_skew(comparison, line)) continue;
    lines.push_back(&line);
  }
  if (lines.size() > 1) say_fastest(comparison, lines, out);
  std::stable_sort(lines.begin(), lines.end(), [&](const Line* a, const Line* b) {
    return growth_of(comparison, *a) > growth_of(comparison, *b);
  });
  if (lines.size() > kMaxGrowths) lines.resize(kMaxGrowths);
  for (const auto* line : lines) say_growth(comparison, *line, out);
}

}  // namespace

const ReportSection kTimeBySkew = {
    .id = "time-by-skew",
    .group = SectionGroup::kTime,
    .title = "Layer time against skew",
    .how_to_read =
        "Time of one pass of the layer over the load of the hottest expert relative to the mean. "
        "A flat line hides imbalance; a rising one pays for it. Bars are 95 % intervals of the "
        "median.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
