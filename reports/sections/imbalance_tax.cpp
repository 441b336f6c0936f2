#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkew = "load.max_over_mean";
constexpr std::string_view kTax = "layer.imbalance_tax";

ViewSpec view() {
  return {kSkew, {"skew.", "trace.layer"}, {"run", "kernel", "backend", "device"}, {kTax}, {}, {}};
}

Table table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view,
                     "Imbalance tax: layer time over that of the balanced control",
                     {kSkew, kTax, "layer.total_s", "layer.balanced_total_s", "layer.model_error"});
}

std::string range(const Interval& ci) {
  const auto shown = [](double share) {
    return fmt::format("{:.{}f}", 100 * share, std::abs(share) < 0.1 ? 1 : 0);
  };
  return fmt::format("{} to {} %", shown(ci.low), shown(ci.high));
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  std::vector<std::string> costs;
  std::vector<std::string> hides;
  double skew = 0;
  double most = 0;
  for (const auto& line : view.lines) {
    const auto& result = comparison.points[line.points.back()].result;
    const auto& tax = *result.find(kTax);
    if (!tax.ci95 || result.find(kSkew)->value < 1.2) continue;
    skew = std::max(skew, result.find(kSkew)->value);
    const std::string name = line.label.empty() ? "the layer" : code_name(line.label);
    if (tax.ci95->low > 0) {
      most = std::max(most, tax.value);
      costs.push_back(fmt::format("{} pays {} ({})", name, percent(tax.value), range(*tax.ci95)));
    } else if (tax.ci95->high < 0) {
      hides.push_back(fmt::format("{} even takes less time ({})", name, range(*tax.ci95)));
    } else if (tax.ci95->high < 0.1) {
      hides.push_back(fmt::format("{} shows no cost ({})", name, range(*tax.ci95)));
    }
  }
  if (costs.empty() && hides.empty()) return;
  out.push_back(
      {"imbalance-tax", most > 0 ? "+" + percent(most) : "0 %",
       fmt::format("Against a perfectly balanced batch of as many tokens, at max/mean load "
                   "{}: {}{}{}.",
                   significant(skew), enumerate(costs), costs.empty() || hides.empty() ? "" : "; ",
                   enumerate(hides))});
}

}  // namespace

const ReportSection kImbalanceTax = {
    .id = "imbalance-tax",
    .group = SectionGroup::kTime,
    .title = "Imbalance tax",
    .how_to_read =
        "How much longer the layer takes than on its balanced control, run in turn with it on the "
        "same number of tokens. 100 % is twice the time; 0 % is no cost.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
