#include "sim/placement/verdict_reasons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hotexpert {
namespace {

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string milliseconds(double seconds) { return fmt::format("{:.3g} ms", 1e3 * seconds); }

std::string schedule_text(const RebalanceSchedule& schedule) {
  if (schedule.interval == 0) return fmt::format("planned once on {} steps", schedule.window);
  return fmt::format("planned every {} steps on the last {}", schedule.interval, schedule.window);
}

std::string deciding_sentence(const VerdictReport& report, const VerdictQuestion& question,
                              const ScheduleResult& chosen) {
  const auto& ci = *chosen.gain_ci95;
  const std::string gain = fmt::format(
      "{}, {}, changes step time by {} net of moves and pauses (95 % interval of the "
      "gain {} to {})",
      question.method, schedule_text(chosen.schedule), percent(-chosen.gain), percent(ci.low),
      percent(ci.high));
  const std::string wanted = percent(question.min_gain);
  switch (report.verdict) {
    case Verdict::kEnable:
      return fmt::format("{}: more than the {} asked for.", gain, wanted);
    case Verdict::kDoNot:
      if (ci.high >= question.min_gain) {
        return fmt::format(
            "{}, but that is luck: the plans knew {} of what they needed of the steps they served "
            "(at least {} is asked for).",
            gain, percent(std::max(0.0, chosen.foresight)), percent(kLeastForesight));
      }
      return fmt::format("{}: less than the {} asked for.", gain, wanted);
    case Verdict::kNotEnoughEvidence:
      break;
  }
  if (ci.low > question.min_gain) {
    return fmt::format(
        "{}, but its deployment pays back after {:.0f} steps and only {} are judged.", gain,
        std::ceil(*chosen.break_even_steps), report.judged_steps);
  }
  return fmt::format("{}: the interval does not settle whether it reaches {}.", gain, wanted);
}

std::string balance_sentence(const VerdictReport& report, const ScheduleResult& chosen) {
  return fmt::format(
      "On steps the plans had not seen, max/mean rank load goes from {:.2f} (contiguous) to "
      "{:.2f}; "
      "on the plans' own windows it looks like {:.2f}.",
      report.baseline_max_over_mean, chosen.max_over_mean, chosen.planned_max_over_mean);
}

std::string cost_sentence(const ScheduleResult& chosen) {
  const std::string moved = fmt::format("A rebalance moves {:.3g} GB", chosen.moved_bytes / 1e9);
  if (chosen.schedule.interval == 0) {
    return fmt::format("{} and stops the steps for {}; a step saves {}.", moved,
                       milliseconds(chosen.first_charge_s), milliseconds(chosen.saved_s));
  }
  return fmt::format("{}; with pauses that costs {} a step, and balance saves {} a step.", moved,
                     milliseconds(chosen.charge_s), milliseconds(chosen.saved_s));
}

std::string break_even_sentence(const ScheduleResult& chosen) {
  if (!chosen.break_even_steps) {
    return "It never pays back: moves and pauses cost as much as balance saves, or more.";
  }
  return fmt::format("The first deployment ({}) has paid back after {:.0f} steps.",
                     milliseconds(chosen.first_charge_s), std::ceil(*chosen.break_even_steps));
}

std::string persistence_sentence(const HotPersistence& persistence) {
  return fmt::format(
      "Of the {} hottest experts of a window of {} steps, {} are among the hottest of the next one "
      "(unrelated windows: {}).",
      persistence.hot_experts, persistence.window, percent(persistence.overlap.front()),
      percent(persistence.chance));
}

}  // namespace

std::vector<std::string> reasons_for(const VerdictReport& report, const VerdictQuestion& question) {
  if (!report.chosen) {
    return {
        fmt::format("No schedule leaves 6 intervals to judge among {} steps; record a longer "
                    "trace or try shorter intervals.",
                    report.judged_steps)};
  }
  const auto& chosen = report.sweep[*report.chosen];
  std::vector<std::string> reasons = {deciding_sentence(report, question, chosen),
                                      balance_sentence(report, chosen), cost_sentence(chosen),
                                      break_even_sentence(chosen)};
  if (!report.persistence.overlap.empty()) {
    reasons.push_back(persistence_sentence(report.persistence));
  }
  reasons.push_back(fmt::format("With hindsight (eplb-oracle) the steps would be {} shorter.",
                                percent(std::max(0.0, chosen.regret / (1 + chosen.regret)))));
  return reasons;
}

std::vector<std::string> reasons_for_short_trace(std::int64_t steps, std::int64_t window,
                                                 std::int64_t needed) {
  return {
      fmt::format("The trace has {} steps; a window of {} and steps to choose and judge on need "
                  "at least {}.",
                  steps, window, needed)};
}

}  // namespace hotexpert
