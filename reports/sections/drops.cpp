#include <fmt/format.h>

#include <cmath>
#include <string>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kFactor = "capacity.factor";
constexpr std::string_view kDropped = "drop.assignment_fraction";
constexpr std::string_view kFloor = "drop.floor_fraction";
constexpr double kFew = 0.01;

ViewSpec view() {
  return {kFactor, {}, {"run", "skew.", "trace.file", "trace.order"}, {kDropped}, {}, {kFactor}};
}

Table table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view, "Dropped assignments against capacity factor",
                     {kDropped, kFloor, "drop.token_lost_fraction", "drop.gate_mass_fraction",
                      "load.max_over_mean", "rows.padding_fraction"});
}

std::string named(const Line& line) {
  return line.label.empty() ? "" : " with " + code_name(line.label);
}

/// The line that drops most at its smallest factor.
const Line* worst_line(const Comparison& comparison, const View& view) {
  const Line* worst = nullptr;
  double most = 0;
  for (const auto& line : view.lines) {
    const double dropped = comparison.points[line.points.front()].result.find(kDropped)->value;
    if (dropped > most) {
      most = dropped;
      worst = &line;
    }
  }
  return worst;
}

/// The point of the line whose factor is nearest to 1.25, the factor most models train with.
const ComparedPoint& usual_point(const Comparison& comparison, const Line& line) {
  const ComparedPoint* nearest = &comparison.points[line.points.front()];
  for (const std::size_t i : line.points) {
    const auto& point = comparison.points[i];
    if (std::abs(x_of(point, kFactor) - 1.25) < std::abs(x_of(*nearest, kFactor) - 1.25))
      nearest = &point;
  }
  return *nearest;
}

void say_share(const Comparison& comparison, const Line& line, std::vector<Finding>& out) {
  const auto& point = usual_point(comparison, line);
  const auto* floor = point.result.find(kFloor);
  const double dropped = point.result.find(kDropped)->value;
  if (dropped == 0) return;
  std::string text = fmt::format("At capacity factor {}{}, {} of assignments are dropped",
                                 significant(x_of(point, kFactor)), named(line), percent(dropped));
  if (floor != nullptr && dropped > floor->value)
    text += fmt::format(
        "; a perfectly uniform router would drop {}, the rest is what balancing token by token can "
        "win",
        percent(floor->value));
  out.push_back({"drops", percent(dropped), text + "."});
}

/// The smallest factor that keeps drops below kFew: the one to choose when drops are what matters.
void say_enough(const Comparison& comparison, const Line& line, std::vector<Finding>& out) {
  for (const std::size_t i : line.points) {
    const auto& point = comparison.points[i];
    const double dropped = point.result.find(kDropped)->value;
    if (dropped > kFew) continue;
    if (i == line.points.front()) return;
    out.push_back({"drops", "CF " + significant(x_of(point, kFactor)),
                   fmt::format("Of the factors tried, {} is the smallest that drops less "
                               "than {}{}: {}.",
                               significant(x_of(point, kFactor)), percent(kFew), named(line),
                               percent(dropped))});
    return;
  }
  const auto& largest = comparison.points[line.points.back()];
  out.push_back({"drops", percent(largest.result.find(kDropped)->value),
                 fmt::format("No factor tried keeps drops below {}{}: {} still drops {}.",
                             percent(kFew), named(line), significant(x_of(largest, kFactor)),
                             percent(largest.result.find(kDropped)->value))});
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const Line* worst = worst_line(comparison, view);
  if (worst == nullptr) return;
  say_share(comparison, *worst, out);
  say_enough(comparison, *worst, out);
}

}  // namespace

const ReportSection kDrops = {
    .id = "drops",
    .group = SectionGroup::kDrops,
    .title = "Dropped share against capacity factor",
    .how_to_read =
        "Share of (token, expert) assignments that find their expert full. Dashed: what even a "
        "perfectly uniform router drops at the same capacity, the floor for routers that decide "
        "token by token.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
