#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kFactor = "capacity.factor";
constexpr std::string_view kOrder = "trace.order";
constexpr std::string_view kTokens = "step.tokens";
constexpr std::string_view kDropped = "drop.assignment_fraction";
constexpr std::string_view kError = "drop.standard_error";
constexpr double kSureStandardErrors = 3;

ViewSpec view() { return {kFactor, {}, {kOrder, kTokens}, {kDropped}, {}, {kOrder, kTokens}}; }

Table table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view, "Dropped assignments by token order and step size",
                     {kDropped, kError, "drop.floor_fraction", "load.max_over_mean"});
}

struct Pair {
  const ComparedPoint* recorded = nullptr;
  const ComparedPoint* shuffled = nullptr;
};

bool clearly_differ(const Pair& pair) {
  const auto* a = pair.recorded->result.find(kError);
  const auto* b = pair.shuffled->result.find(kError);
  if (a == nullptr || b == nullptr) return false;
  const double difference =
      pair.recorded->result.find(kDropped)->value - pair.shuffled->result.find(kDropped)->value;
  return std::fabs(difference) > kSureStandardErrors * std::hypot(a->value, b->value);
}

std::string tokens_of(const Comparison& comparison, const ComparedPoint& point) {
  const Json* tokens = comparison.value(point, kTokens);
  return tokens == nullptr ? "" : fmt::format(" in steps of {} tokens", display(*tokens));
}

/// The recorded and the shuffled point that agree in everything else.
std::map<std::vector<std::size_t>, Pair> pairs_of(const Comparison& comparison, const View& view) {
  std::map<std::vector<std::size_t>, Pair> pairs;
  const std::size_t order = comparison.axis(kOrder);
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) {
      const auto& point = comparison.points[i];
      const Json* value = comparison.value(point, kOrder);
      if (value == nullptr) continue;
      auto key = point.values;
      key[order] = 0;
      auto& pair = pairs[key];
      if (*value == Json("recorded")) pair.recorded = &point;
      if (*value == Json("shuffled")) pair.shuffled = &point;
    }
  }
  return pairs;
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  if (comparison.axis(kOrder) == kNone) return;
  // One sentence a step size: the pair where order matters most.
  std::map<std::string, std::pair<double, const Pair*>> strongest;
  const auto pairs = pairs_of(comparison, view);
  for (const auto& [key, pair] : pairs) {
    if (pair.recorded == nullptr || pair.shuffled == nullptr || !clearly_differ(pair)) continue;
    const double shuffled = pair.shuffled->result.find(kDropped)->value;
    if (shuffled <= 0) continue;
    const double ratio = pair.recorded->result.find(kDropped)->value / shuffled;
    auto& best = strongest[tokens_of(comparison, *pair.recorded)];
    if (best.second == nullptr || ratio > best.first) best = {ratio, &pair};
  }
  for (const auto& [tokens, best] : strongest) {
    const auto& [ratio, pair] = best;
    out.push_back(
        {"drops-by-order", times(ratio),
         fmt::format("Token order matters{}: at capacity factor {} the recorded order drops {}, "
                     "shuffled tokens {} ({}).",
                     tokens, significant(x_of(*pair->recorded, kFactor)),
                     percent(pair->recorded->result.find(kDropped)->value),
                     percent(pair->shuffled->result.find(kDropped)->value), times(ratio))});
  }
}

}  // namespace

const ReportSection kDropsByOrder = {
    .id = "drops-by-order",
    .group = SectionGroup::kDrops,
    .title = "Drops by token order and step size",
    .how_to_read =
        "Tokens of one text choose alike, so steps cut from a trace in recorded order are more "
        "skewed than steps of shuffled tokens; small steps drop more than large ones.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
