#include "sim/placement/rebalance_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/base/index.hpp"
#include "sim/placement/verdict_reasons.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kFewestBlocks = 6;
constexpr std::int64_t kMostBlocks = 20;
constexpr std::int64_t kBlocksOfOnePlan = 12;

void check(const VerdictQuestion& question) {
  const auto& costs = question.costs;
  const auto positive = [](const char* key, double value) {
    if (!(value > 0) || !std::isfinite(value)) {
      throw UsageError(fmt::format("{}: {} is not above 0", key, value));
    }
  };
  const auto not_negative = [](const char* key, double value) {
    if (!(value >= 0) || !std::isfinite(value)) {
      throw UsageError(fmt::format("{}: {} is below 0", key, value));
    }
  };
  positive("verdict.row_s", costs.row_s);
  positive("verdict.link_bytes_per_s", costs.link_bytes_per_s);
  not_negative("verdict.floor_s", costs.floor_s);
  not_negative("verdict.other_s", costs.other_s);
  not_negative("verdict.expert_bytes", costs.expert_bytes);
  not_negative("verdict.pause_s", costs.pause_s);
  not_negative("verdict.min_gain", question.min_gain);
  if (question.intervals.empty() || question.windows.empty()) {
    throw UsageError("verdict.interval, verdict.window: give at least one number of steps each");
  }
  for (const auto interval : question.intervals) {
    if (interval < 0) throw UsageError(fmt::format("verdict.interval: {} is below 0", interval));
  }
  for (const auto window : question.windows) {
    if (window < 1) throw UsageError(fmt::format("verdict.window: {} is below 1", window));
  }
}

double sum(const std::vector<double>& values, std::size_t begin, std::size_t end) {
  return std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(begin),
                         values.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
}

double mean_of(const std::vector<double>& values, std::size_t begin, std::size_t end) {
  return sum(values, begin, end) / static_cast<double>(end - begin);
}

/// Steps of a block, a whole number of intervals; 0 when there are too few blocks.
std::size_t block_length(const RebalanceSchedule& schedule, std::size_t judged) {
  const auto steps = static_cast<std::int64_t>(judged);
  if (schedule.interval == 0) return at(steps / kBlocksOfOnePlan);
  const std::int64_t intervals_in_all = steps / schedule.interval;
  if (intervals_in_all < kFewestBlocks) return 0;
  const std::int64_t intervals_a_block = (intervals_in_all + kMostBlocks - 1) / kMostBlocks;
  if (intervals_in_all / intervals_a_block < kFewestBlocks) return at(schedule.interval);
  return at(intervals_a_block * schedule.interval);
}

/// The replayed steps that choose a schedule, [0, judge), and those that judge it, [judge, end).
struct Halves {
  std::size_t judge = 0;
  std::size_t end = 0;
};

class Judge {
 public:
  Judge(const Replay& baseline, const Halves& halves) : baseline_(baseline), halves_(halves) {}

  [[nodiscard]] ScheduleResult result(const RebalanceSchedule& schedule, const Replay& replay,
                                      const Replay& oracle) const {
    const auto [judge, end] = halves_;
    ScheduleResult out;
    out.schedule = schedule;
    const double baseline_s = mean_of(baseline_.step_s, judge, end);
    const double step_s = mean_of(replay.step_s, judge, end);
    out.saved_s = baseline_s - step_s;
    out.charge_s = mean_of(replay.charge_s, judge, end);
    out.gain = (out.saved_s - out.charge_s) / baseline_s;
    out.gain_ci95 = interval_of_gain(schedule, replay);
    out.max_over_mean = mean_of(replay.max_over_mean, judge, end);
    out.planned_max_over_mean = replay.planned_max_over_mean;
    out.moved_bytes = replay.moved_bytes / static_cast<double>(replay.rebalances);
    out.first_charge_s = replay.charge_s.front();
    const double net_s = out.saved_s - out.charge_s;
    if (net_s > 0) out.break_even_steps = out.first_charge_s / net_s;
    out.regret = step_s / mean_of(oracle.step_s, judge, end) - 1;
    out.selection_gain = gain_of(replay, 0, judge);
    return out;
  }

 private:
  [[nodiscard]] double gain_of(const Replay& replay, std::size_t begin, std::size_t end) const {
    const double baseline_s = sum(baseline_.step_s, begin, end);
    return (baseline_s - sum(replay.step_s, begin, end) - sum(replay.charge_s, begin, end)) /
           baseline_s;
  }

  [[nodiscard]] std::optional<Interval> interval_of_gain(const RebalanceSchedule& schedule,
                                                         const Replay& replay) const {
    const std::size_t length = block_length(schedule, halves_.end - halves_.judge);
    if (length == 0) return std::nullopt;
    std::vector<double> gains;
    for (std::size_t begin = halves_.judge; begin + length <= halves_.end; begin += length) {
      gains.push_back(gain_of(replay, begin, begin + length));
    }
    return median_interval(gains);
  }

  const Replay& baseline_;
  Halves halves_;
};

/// Index of the schedule with the largest gain in the earlier half among those that can be judged;
/// one whose plans had foresight before one without.
std::optional<std::size_t> choose(const std::vector<ScheduleResult>& sweep) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < sweep.size(); ++i) {
    if (!sweep[i].gain_ci95) continue;
    const auto merit = [&](std::size_t row) {
      return std::pair(sweep[row].selection_foresight >= kLeastForesight,
                       sweep[row].selection_gain);
    };
    if (!best || merit(i) > merit(*best)) best = i;
  }
  return best;
}

Verdict decide(const VerdictReport& report, double min_gain) {
  if (!report.chosen) return Verdict::kNotEnoughEvidence;
  const auto& chosen = report.sweep[*report.chosen];
  if (chosen.gain_ci95->high < min_gain || chosen.foresight < kLeastForesight) {
    return Verdict::kDoNot;
  }
  if (chosen.gain_ci95->low <= min_gain) return Verdict::kNotEnoughEvidence;
  const bool pays_back = chosen.break_even_steps &&
                         *chosen.break_even_steps <= static_cast<double>(report.judged_steps);
  return pays_back ? Verdict::kEnable : Verdict::kNotEnoughEvidence;
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEnable:
      return "enable";
    case Verdict::kDoNot:
      return "do not";
    case Verdict::kNotEnoughEvidence:
      break;
  }
  return "not enough evidence";
}

VerdictReport judge_rebalancing(const LoadMatrix& loads, const VerdictQuestion& question) {
  check(question);
  const auto method = PlacementMethod::parse(question.method);
  const auto oracle_method = PlacementMethod::parse("eplb");
  VerdictReport report;
  const auto smallest_window = *std::min_element(question.windows.begin(), question.windows.end());
  report.persistence = hot_persistence(loads, smallest_window);
  const std::int64_t first = *std::max_element(question.windows.begin(), question.windows.end());
  if (loads.steps < first + 2 * kFewestBlocks) {
    report.reasons = reasons_for_short_trace(loads.steps, first, first + 2 * kFewestBlocks);
    return report;
  }

  auto unreplicated = question.target;
  if (question.target.ranks <= loads.experts) unreplicated.slots = loads.experts;
  const auto before = plan_window(loads, PlacementMethod::parse("contiguous"), unreplicated, 0, 1);
  const auto baseline = replay_unchanged(loads, question.target, question.costs, before, first);
  const std::size_t steps = baseline.step_s.size();
  if (!(sum(baseline.step_s, steps / 2, steps) > 0)) {
    throw InputError("verdict: the trace has no load in its later half");
  }
  const Judge judge(baseline, {steps / 2, steps});
  report.judged_steps = static_cast<std::int64_t>(steps - steps / 2);
  report.baseline_step_s = mean_of(baseline.step_s, steps / 2, steps);
  report.baseline_max_over_mean = mean_of(baseline.max_over_mean, steps / 2, steps);

  for (const auto interval : question.intervals) {
    const auto oracle = replay_rebalancing(loads, oracle_method, question.target, {interval, first},
                                           question.costs, before, first, PlanOn::kHindsight);
    for (const auto window : question.windows) {
      const RebalanceSchedule schedule{interval, window};
      const auto replay = replay_rebalancing(loads, method, question.target, schedule,
                                             question.costs, before, first);
      auto result = judge.result(schedule, replay, oracle);
      result.selection_foresight =
          foresight(loads, interval, window, first, first, loads.steps - report.judged_steps);
      result.foresight =
          foresight(loads, interval, window, first, loads.steps - report.judged_steps, loads.steps);
      report.sweep.push_back(result);
    }
  }
  report.chosen = choose(report.sweep);
  if (report.chosen) {
    report.persistence = hot_persistence(loads, report.sweep[*report.chosen].schedule.window);
  }
  report.verdict = decide(report, question.min_gain);
  report.reasons = reasons_for(report, question);
  return report;
}

}  // namespace hotexpert
