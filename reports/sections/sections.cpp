#include "reports/sections/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

// Group by group, in the groups' order.
// clang-format off: one a line
constexpr std::array kSections = {
    &kTimeBySkew,
    &kImbalanceTax,
    &kPassTax,
    &kTokensPerExpert,
    &kLoadByStep,
    &kLoadByLayer,
    &kDrops,
    &kCapacityCost,
    &kDropSpectrum,
    &kDropsByOrder,
    &kDropsByRule,
    &kDropsByLayer,
    &kNeededFactor,
    &kDropsByPosition,
    &kDropsBySourceRank,
    &kBalanceByWeight,
    &kPareto,
    &kTimeToQuality,
    &kTrainingCurves,
    &kCollapse,
    &kRankScaling,
    &kRankTimeline,
    &kRankLoadBefore,
    &kRankLoadAfter,
    &kPlacementGain,
    &kReplicas,
    &kRebalanceVerdict,
    &kPhases,
    &kProfileTimeline,
    &kProfileLedger,
    &kProfileShare,
    &kProfileRoofline,
    &kRegimeMap,
    &kPriceList,
    &kPredictedMeasured,
    &kMetricLeague,
};
// clang-format on

void count_outcomes(const Comparison& comparison, std::vector<Finding>& out) {
  const auto count = [&](Outcome outcome) {
    return std::count_if(comparison.points.begin(), comparison.points.end(),
                         [&](const auto& point) { return point.result.outcome == outcome; });
  };
  const auto failed = count(Outcome::kFailed);
  const auto skipped = count(Outcome::kSkipped);
  if (failed > 0)
    out.push_back({"points", std::to_string(failed),
                   fmt::format("{} of {} points failed: the table of all points says why.", failed,
                               comparison.points.size())});
  if (skipped > 0)
    out.push_back({"points", std::to_string(skipped),
                   fmt::format("{} of {} points skipped: the table of all points says why.",
                               skipped, comparison.points.size())});
}

}  // namespace

std::string code_name(const std::string& name) {
  std::string inside = visible_text(name);
  std::replace(inside.begin(), inside.end(), '`', '\'');
  return '`' + inside + '`';
}

std::string enumerate(const std::vector<std::string>& parts) {
  constexpr std::size_t kMaxParts = 4;
  const std::size_t shown = parts.size() <= kMaxParts + 1 ? parts.size() : kMaxParts;
  std::string out = fmt::format(
      "{}", fmt::join(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < parts.size()) out += fmt::format(" and {} more", parts.size() - shown);
  return out;
}

std::string_view title(SectionGroup group) {
  constexpr std::array<std::string_view, 7> titles = {
      "Time", "Load", "Drops", "Balance", "Ranks and placement", "Inside the step", "Cost model"};
  return titles[static_cast<std::size_t>(group)];
}

std::span<const ReportSection* const> report_sections() { return kSections; }

std::vector<Finding> findings(const Comparison& comparison) {
  std::vector<Finding> out;
  for (const auto* section : report_sections()) {
    if (section->findings == nullptr) continue;
    const View view = make_view(comparison, section->view());
    if (!view.eligible.empty()) section->findings(comparison, view, out);
  }
  count_outcomes(comparison, out);
  return out;
}

}  // namespace hotexpert
