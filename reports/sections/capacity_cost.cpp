#include "reports/sections/capacity_cost.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/ratio.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kFactor = "capacity.factor";
constexpr std::string_view kDropped = "drop.assignment_fraction";
constexpr std::string_view kTime = "layer.total_s";

/// Only a kernel that pads computes the rows of a capacity whether they are filled or not.
bool pads(const PointResult& result) {
  for (const auto& [axis, value] : result.point) {
    if (axis == "kernel")
      return value.is_string() && display(value).find("padded") != std::string::npos;
  }
  return false;
}

ViewSpec view() {
  return {.x = kFactor,
          .lines = {"run", "skew.", "trace.file", "trace.order"},
          .metrics = {kDropped, kTime},
          .needs = {kFactor},
          .also = pads};
}

Table table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view, "Drops and layer time by capacity factor",
                     {kDropped, "drop.floor_fraction", kTime, "layer.expert_ffn_s", "rows.computed",
                      "rows.padding_fraction"});
}

std::vector<CapacityCost> costs_of(const Comparison& comparison, const Line& line) {
  std::vector<CapacityCost> costs;
  for (const std::size_t i : line.points) {
    const auto& point = comparison.points[i];
    costs.push_back({x_of(point, kFactor), point.result.find(kDropped)->value,
                     point.result.find(kTime)->value});
  }
  return costs;
}

/// "12 points of drops for 0.4 ms"
std::string trade(const CapacityCost& from, const CapacityCost& to) {
  return fmt::format("{} points of drops for {}", significant(100 * (from.dropped - to.dropped), 2),
                     with_unit(to.time_s - from.time_s, "s"));
}

/// A line whose whole range costs time beyond doubt, and where its knee is.
struct Knee {
  const Line* line = nullptr;
  std::vector<CapacityCost> costs;
  std::size_t at = 0;

  [[nodiscard]] double factor() const { return costs[at].factor; }
};

std::vector<Knee> knees_of(const Comparison& comparison, const View& view) {
  std::vector<Knee> knees;
  for (const auto& line : view.lines) {
    auto costs = costs_of(comparison, line);
    const auto knee = knee_of(costs);
    if (!knee) continue;
    const auto time = [&](std::size_t point) {
      return *comparison.points[point].result.find(kTime);
    };
    if (!ratio_of(time(line.points.back()), time(line.points.front())).above(1)) continue;
    if (ratio_of(time(line.points[*knee]), time(line.points.front())).below(1)) continue;
    knees.push_back({&line, std::move(costs), *knee});
  }
  return knees;
}

/// The line that drops most in full, of the others where their knees lie.
void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const auto knees = knees_of(comparison, view);
  if (knees.empty()) return;
  const auto& worst = *std::ranges::max_element(
      knees, {}, [](const Knee& knee) { return knee.costs.front().dropped; });
  const auto& [line, costs, at] = worst;
  const Ratio price = ratio_of(*comparison.points[line->points[at]].result.find(kTime),
                               *comparison.points[line->points.front()].result.find(kTime));
  std::string text = fmt::format(
      "{} the knee is at capacity factor {}: going there from {} saves {} ({} the time), going on "
      "to {} saves {}, fewer a millisecond",
      line->label.empty() ? "In drops against measured time" : "With " + code_name(line->label),
      significant(worst.factor()), significant(costs.front().factor),
      trade(costs.front(), costs[at]), times(price.value, price.ci95),
      significant(costs.back().factor), trade(costs[at], costs.back()));
  if (knees.size() > 1) {
    const auto [least, most] = std::ranges::minmax_element(knees, {}, &Knee::factor);
    text += least->factor() < most->factor()
                ? fmt::format("; over all {} lines knees lie from {} to {}", knees.size(),
                              significant(least->factor()), significant(most->factor()))
                : fmt::format("; all {} lines have theirs there", knees.size());
  }
  out.push_back({"capacity-cost", "CF " + significant(worst.factor()), text + "."});
}

}  // namespace

std::optional<std::size_t> knee_of(std::span<const CapacityCost> costs) {
  if (costs.size() < 3) return std::nullopt;
  const auto& first = costs.front();
  const auto& last = costs.back();
  const double gain = first.dropped - last.dropped;
  const double price = last.time_s - first.time_s;
  if (!(gain > 0 && price > 0)) return std::nullopt;
  std::optional<std::size_t> knee;
  double farthest = kLeastBend;
  for (std::size_t i = 1; i + 1 < costs.size(); ++i) {
    const double below =
        1 - (costs[i].dropped - last.dropped) / gain - (costs[i].time_s - first.time_s) / price;
    if (below > farthest) {
      farthest = below;
      knee = i;
    }
  }
  return knee;
}

const ReportSection kCapacityCost = {
    .id = "capacity-cost",
    .group = SectionGroup::kDrops,
    .title = "What a capacity factor buys, and what it costs",
    .how_to_read =
        "Above: dropped share, with the uniform router's floor dashed. Below: measured time of the "
        "layer whose kernel pads every expert to its capacity, with 95 % intervals. The upright "
        "line is the knee: the factor farthest below the straight trade of drops for time.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
