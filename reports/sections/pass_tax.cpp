#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkew = "load.max_over_mean";
constexpr std::string_view kWgrad = "layer.wgrad_tax";
constexpr double kFree = 0.1;  ///< a tax whose interval ends below this is called free

ViewSpec view() {
  return {kSkew, {"skew.", "trace.layer"}, {"run", "kernel", "backend", "device"}, {kWgrad}, {},
          {}};
}

Table table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view,
                     "Forward, dgrad and wgrad over those of the balanced control",
                     {kSkew, "layer.forward_tax", "layer.dgrad_tax", kWgrad, "layer.forward_s",
                      "layer.backward_s", "layer.dgrad_s", "layer.wgrad_s", "layer.total_s"});
}

/// "wgrad +27 % (19 to 31 %)" where the interval says so, "wgrad no cost", or "" where it cannot
/// tell.
std::string part_text(const PointResult& result, std::string_view metric, std::string_view part) {
  const auto* tax = result.find(metric);
  if (tax == nullptr || !tax->ci95) return "";
  if (tax->ci95->low > 0)
    return fmt::format("{} +{} ({} to {})", part, percent(tax->value),
                       significant(tax->ci95->low * 100, 2), percent(tax->ci95->high));
  return tax->ci95->high < kFree ? fmt::format("{} no cost", part) : "";
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  struct Part {
    std::string_view metric;
    std::string_view name;
  };
  constexpr std::array kParts = {Part{"layer.forward_tax", "forward"},
                                 Part{"layer.dgrad_tax", "dgrad"}, Part{kWgrad, "wgrad"}};
  std::vector<std::string> lines;
  double skew = 0;
  double most = 0;
  for (const auto& line : view.lines) {
    const auto& result = comparison.points[line.points.back()].result;
    if (result.find(kSkew)->value < 1.2) continue;
    std::vector<std::string> parts;
    for (const auto& part : kParts) {
      if (auto text = part_text(result, part.metric, part.name); !text.empty())
        parts.push_back(std::move(text));
    }
    if (parts.empty()) continue;
    skew = std::max(skew, result.find(kSkew)->value);
    const auto& wgrad = *result.find(kWgrad);
    if (wgrad.ci95 && wgrad.ci95->low > 0) most = std::max(most, wgrad.value);
    lines.push_back((line.label.empty() ? "" : code_name(line.label) + ": ") + enumerate(parts));
  }
  if (lines.empty()) return;
  out.push_back({"pass-tax", most > 0 ? "+" + percent(most) : "0 %",
                 fmt::format("What skew costs each pass at max/mean load {}: {}.",
                             significant(skew), fmt::join(lines, "; "))});
}

}  // namespace

const ReportSection kPassTax = {
    .id = "pass-tax",
    .group = SectionGroup::kTime,
    .title = "Weight gradients against skew",
    .how_to_read =
        "How much longer the gradients of the experts' weights take than on the balanced control. "
        "They are sums over each expert's rows: in one piece the hottest expert dictates them, "
        "where forward and dgrad spread its rows; split over rows they spread too.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
