#include <fmt/format.h>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kGain = "place.gain";
constexpr std::string_view kBaseline = "place.baseline_step_s";

const Json* verdict_of(const Comparison& comparison, const ComparedPoint& point) {
  return comparison.runs[point.run].manifest.find("verdict");
}

double axis_number(const ComparedPoint& point, std::string_view axis) { return x_of(point, axis); }

/// "once", or the steps between plans.
std::string interval_text(const ComparedPoint& point) {
  const double interval = axis_number(point, "verdict.interval");
  return interval == 0 ? "once" : significant(interval, 6);
}

/// The schedule that the earlier half chose and the later half judged.
bool is_chosen(const Comparison& comparison, const ComparedPoint& point) {
  const Json* verdict = verdict_of(comparison, point);
  if (verdict == nullptr || verdict->find("interval") == nullptr) return false;
  return verdict->at("interval").as_double() == axis_number(point, "verdict.interval") &&
         verdict->at("window").as_double() == axis_number(point, "verdict.window");
}

Table table(const Comparison& comparison, const View& view) {
  Table out{"Every schedule on steps that no plan had seen; the verdict is on the chosen one",
            {{"planned every, steps", true},
             {"on the last, steps", true},
             {"gain, moves charged", true},
             {"95 % interval", true},
             {"max/mean rank load", true},
             {"as planned", true},
             {"moved a rebalance", true},
             {"charged a step", true},
             {"pays back after, steps", true},
             {"foresight", true},
             {"regret", true},
             {"verdict", false}},
            {},
            0};
  for (const std::size_t i : view.eligible) {
    const auto& point = comparison.points[i];
    const auto shown = [&](std::string_view metric, std::string_view unit) {
      const auto* found = point.result.find(metric);
      return found == nullptr ? std::string() : with_unit(found->value, unit);
    };
    const auto& gain = *point.result.find(kGain);
    const auto* steps = point.result.find("place.break_even_steps");
    const Json* verdict = verdict_of(comparison, point);
    out.rows.push_back(
        {i,
         {interval_text(point), significant(axis_number(point, "verdict.window"), 6),
          percent(gain.value),
          gain.ci95 ? percent(gain.ci95->low) + " to " + percent(gain.ci95->high) : "",
          shown("rank.max_over_mean", "ratio"), shown("place.planned_max_over_mean", "ratio"),
          shown("place.moved_bytes", "bytes"), shown("place.charge_s", "s"),
          steps == nullptr ? "never" : significant(steps->value), shown("place.foresight", ""),
          shown("place.regret", "fraction"),
          is_chosen(comparison, point) ? verdict->at("verdict").as_string() : ""}});
  }
  return out;
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  for (const std::size_t i : view.eligible) {
    const auto& point = comparison.points[i];
    if (!is_chosen(comparison, point)) continue;
    const Json& verdict = *verdict_of(comparison, point);
    const auto& reasons = verdict.at("reasons").as_array();
    if (reasons.empty()) continue;
    out.push_back({"rebalance-verdict", percent(point.result.find(kGain)->value),
                   fmt::format("Rebalance? {}: {}", verdict.at("verdict").as_string(),
                               reasons.front().as_string())});
    std::string rest;
    for (std::size_t r = 1; r < reasons.size(); ++r)
      rest += (r > 1 ? " " : "") + reasons[r].as_string();
    if (!rest.empty())
      out.push_back(
          {"rebalance-verdict", significant(point.result.find("rank.max_over_mean")->value), rest});
  }
}

}  // namespace

const ReportSection kRebalanceVerdict = {
    .id = "rebalance-verdict",
    .group = SectionGroup::kRanks,
    .title = "Does rebalancing pay?",
    .how_to_read =
        "For each schedule (steps between plans, steps a plan looks back on) the share of the step "
        "time that better balance saves, what moved weights and pauses cost, and what is left, "
        "with its 95 % interval; the dashed level is the gain that was asked for. Charges beyond "
        "a whole step are cut at the chart's edge. Steps are those after the plan; times are "
        "modelled.",
    .view =
        [] {
          return ViewSpec{
              .x = "", .along = {"verdict."}, .metrics = {kGain, kBaseline, "place.saved_s"}};
        },
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
