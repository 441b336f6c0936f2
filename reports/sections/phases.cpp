#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkew = "load.max_over_mean";
constexpr std::string_view kTotal = "layer.total_s";
constexpr std::string_view kExperts = "layer.expert_ffn_s";

ViewSpec view() {
  return {kSkew,
          {"skew.", "trace.layer"},
          {"run", "kernel", "backend", "device"},
          {kTotal, kExperts},
          {},
          {}};
}

Table table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view, "Layer time by phase",
                     {kSkew, "layer.route_s", "layer.permute_s", "layer.all_to_all_s", kExperts,
                      "layer.dgrad_s", "layer.wgrad_s", "layer.combine_s", kTotal});
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  std::vector<std::string> shares;
  std::string share;  // of the slowest
  double longest = 0;
  for (const auto& line : view.lines) {
    const auto& result = comparison.points[line.points.back()].result;
    const double total = result.find(kTotal)->value;
    if (total <= 0) continue;
    if (total > longest) {
      longest = total;
      share = percent(result.find(kExperts)->value / total);
    }
    shares.push_back(percent(result.find(kExperts)->value / total) +
                     (line.label.empty() ? "" : " in " + code_name(line.label)));
  }
  if (!shares.empty())
    out.push_back({"phases", share,
                   fmt::format("At the highest skew the expert kernels take {} of the "
                               "layer time; the rest is routing, permute and combine.",
                               enumerate(shares))});
}

}  // namespace

const ReportSection kPhases = {
    .id = "phases",
    .group = SectionGroup::kInside,
    .title = "Where the time goes",
    .how_to_read =
        "Phases of one pass at the lowest and the highest skew of each kernel. A phase that a "
        "backend does not have is absent, not zero. Of a backward or training pass, dgrad and "
        "wgrad "
        "are parts of the expert time.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
