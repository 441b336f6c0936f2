#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kLayer = "trace.layer";
constexpr std::string_view kFactor = "capacity.needed_factor";

ViewSpec view() {
  return {
      .x = kLayer, .lines = {"run", "capacity.rule", "max_drop", "in_steps"}, .metrics = {kFactor}};
}

Table table(const Comparison& comparison, const View& view) {
  return point_table(
      comparison, view, "Smallest capacity factor that keeps the promise, by layer",
      {kFactor, "capacity.rows", "drop.assignment_fraction", "rows.padding_fraction"});
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const auto& line = view.lines.front();
  if (line.points.size() < 2) return;
  const auto factor = [&](std::size_t i) {
    return comparison.points[i].result.find(kFactor)->value;
  };
  const auto [least, most] = std::ranges::minmax_element(line.points, {}, factor);
  out.push_back(
      {"needed-factor", significant(factor(*most)),
       fmt::format("Set layer by layer{}, the capacity factor goes from {} (layer {}) to {} "
                   "(layer {}).",
                   line.label.empty() ? "" : " under " + code_name(line.label),
                   significant(factor(*least)), x_of(comparison.points[*least], kLayer),
                   significant(factor(*most)), x_of(comparison.points[*most], kLayer))});
}

}  // namespace

const ReportSection kNeededFactor = {
    .id = "needed-factor",
    .group = SectionGroup::kDrops,
    .title = "The capacity factor each layer needs",
    .how_to_read =
        "The smallest factor that keeps drops within the wanted share in the wanted share of "
        "steps. The highest layer sets a common factor; the rows between are padding it causes.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
