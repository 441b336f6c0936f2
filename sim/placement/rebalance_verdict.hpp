#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/statistics.hpp"
#include "sim/placement/hot_persistence.hpp"
#include "sim/placement/rebalance_replay.hpp"

namespace hotexpert {

/// Below this foresight() a plan knows too little of the steps it serves.
inline constexpr double kLeastForesight = 0.2;

enum class Verdict : std::uint8_t { kEnable, kDoNot, kNotEnoughEvidence };
std::string_view name(Verdict verdict);  ///< "enable", "do not", "not enough evidence"

/// The question: does rebalancing with this method pay on this trace?
struct VerdictQuestion {
  std::string method = "eplb";
  PlacementTarget target;
  RebalanceCosts costs;
  std::vector<std::int64_t> intervals;  ///< steps between plans to try; 0 = plan once
  std::vector<std::int64_t> windows;    ///< steps of load a plan sees, to try
  double min_gain = 0.01;               ///< share of step time worth the trouble
};

/// One schedule of the sweep. Times and ratios are means over the judged steps, the later half of
/// the replay, unless said otherwise.
struct ScheduleResult {
  RebalanceSchedule schedule;
  double saved_s = 0;   ///< a step's time under `contiguous` less its time here, charges aside
  double charge_s = 0;  ///< transfer and pause, spread over steps
  double gain = 0;      ///< (saved_s - charge_s) / step time under `contiguous`
  std::optional<Interval> gain_ci95;  ///< over blocks of steps; nullopt below 6 blocks
  double max_over_mean = 1;           ///< `rank.max_over_mean` on steps the plans had not seen
  double planned_max_over_mean = 1;   ///< the same on the windows the plans were made from
  double moved_bytes = 0;             ///< `place.moved_bytes` a rebalance
  double first_charge_s = 0;          ///< transfer and pause of the first deployment
  /// Steps until the first deployment has paid for itself; nullopt = never at this rate.
  std::optional<double> break_even_steps;
  double regret = 0;  ///< step time / step time of eplb-oracle at this interval - 1, charges aside
  double foresight = 0;  ///< what plans knew of the steps they served, 0 to 1; see foresight()
  double selection_foresight = 0;  ///< the same in the earlier half
  double selection_gain = 0;       ///< `gain` in the earlier half: what the schedule was chosen by
};

struct VerdictReport {
  Verdict verdict = Verdict::kNotEnoughEvidence;
  std::vector<std::string> reasons;  ///< whole sentences with numbers, the deciding one first
  std::vector<ScheduleResult> sweep;
  std::optional<std::size_t> chosen;  ///< index in `sweep`; nullopt when no schedule can be judged
  double baseline_step_s = 0;         ///< mean step time under `contiguous`, no replicas
  double baseline_max_over_mean = 1;
  std::int64_t judged_steps = 0;
  HotPersistence persistence;  ///< at the chosen window, or the smallest
};

/// Replays the trace under every schedule. All are scored on the same steps, from the largest
/// window on. The earlier half of these chooses the schedule (the largest gain among those
/// with foresight), the later half judges it: a schedule
/// is never judged on what chose it, a plan never scored on what it was made from.
///   enable:   the 95 % interval of the gain lies above min_gain, and the deployment pays back
///   within
///             the judged steps.
///   do not:   it lies below min_gain, or the plans knew less than a fifth of what they needed of
///   the
///             steps they served: whatever they gained was luck.
///   not enough evidence: it straddles min_gain, fewer than 6 blocks are left to judge, or a
///             deployment that gains would pay back only beyond the trace.
/// Blocks are whole intervals, at most 20 of them (plan once: 12 equal parts).
/// @throws UsageError naming the option: no interval or window, costs of the wrong sign; InputError
/// for a trace without load.
VerdictReport judge_rebalancing(const LoadMatrix& loads, const VerdictQuestion& question);

}  // namespace hotexpert
