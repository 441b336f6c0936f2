#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kFactor = "capacity.factor";
constexpr std::string_view kRule = "capacity.rule";
constexpr std::string_view kDropped = "drop.assignment_fraction";

ViewSpec view() {
  return {.x = kFactor, .lines = {"run", kRule}, .metrics = {kDropped}, .needs = {kRule}};
}

Table table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view, "Dropped assignments by capacity rule",
                     {"capacity.rows", kDropped, "drop.floor_fraction", "rows.padding_fraction"});
}

/// The factor at which the rules differ most, and what they drop there.
void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  struct Pair {
    const ComparedPoint* least = nullptr;
    const ComparedPoint* most = nullptr;
  };
  const auto dropped = [](const ComparedPoint& point) {
    return point.result.find(kDropped)->value;
  };
  std::map<double, Pair> by_factor;
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) {
      const auto& point = comparison.points[i];
      auto& pair = by_factor[x_of(point, kFactor)];
      if (pair.least == nullptr || dropped(point) < dropped(*pair.least)) pair.least = &point;
      if (pair.most == nullptr || dropped(point) > dropped(*pair.most)) pair.most = &point;
    }
  }
  const std::pair<const double, Pair>* widest = nullptr;
  const auto width = [&](const Pair& pair) { return dropped(*pair.most) - dropped(*pair.least); };
  for (const auto& entry : by_factor) {
    if (widest == nullptr || width(entry.second) > width(widest->second)) widest = &entry;
  }
  if (widest == nullptr || !(width(widest->second) > 0)) return;
  const auto rule = [&](const ComparedPoint& point) {
    const Json* name = comparison.value(point, kRule);
    return name == nullptr ? std::string("one rule") : code_name(display(*name));
  };
  const auto& [least, most] = widest->second;
  out.push_back({"drops-by-rule", percent(dropped(*most)),
                 fmt::format("Capacity factor {} is not one thing: {} drops {} here, {} drops {}.",
                             shortest(widest->first), rule(*most), percent(dropped(*most)),
                             rule(*least), percent(dropped(*least)))});
}

}  // namespace

const ReportSection kDropsByRule = {
    .id = "drops-by-rule",
    .group = SectionGroup::kDrops,
    .title = "The same factor under each framework's rule",
    .how_to_read =
        "Every framework turns a capacity factor into rows in its own way, so that equal factors "
        "drop different shares. Factors that are equal: hotexpert drops --translate.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
