#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/clock.hpp"
#include "profiler/machine_witness.hpp"
#include "profiler/measure_warning.hpp"
#include "profiler/stopping_rule.hpp"
#include "sim/base/statistics.hpp"
#include "sim/core/phase_times.hpp"

namespace hotexpert {

/// One thing to time. All arms of a measurement are interleaved, so that whatever the machine does
/// to one it does to the others.
struct Arm {
  std::string name;
  std::function<PhaseTimes()> run;  ///< one pass; total_s > 0 and finite
};

struct MeasureOptions {
  int min_samples = 10;                      ///< an arm, at least 6: fewer have no 95 % interval
  int max_samples = 400;                     ///< an arm
  double target_relative_half_width = 0.02;  ///< of the 95 % interval of each arm's median
  double time_budget_s = 5;                  ///< for all samples of all arms; min_samples win

  int warmup_window = 3;            ///< runs an arm in each window
  double warmup_tolerance = 0.05;   ///< medians of consecutive windows may differ by this share
  int max_warmup_windows = 10;      ///< then sampling begins anyway, with a warning
  double warmup_time_share = 0.25;  ///< of time_budget_s, likewise

  std::optional<MachineLoad> machine_load;  ///< before the program started working; for a warning
  MachineWitness* witness = nullptr;        ///< asked before, between and after rounds; may be null
};

/// Everything seen of one arm.
struct ArmSamples {
  std::string name;
  std::vector<PhaseTimes> samples;    ///< in order; outliers are kept
  std::vector<std::size_t> outliers;  ///< indices of samples, by outlier_indices(); ascending
};

struct MeasureResult {
  std::vector<ArmSamples> arms;  ///< in the order given; equally many samples in each
  int warmup_runs = 0;           ///< an arm
  bool warmed_up = false;        ///< the warm-up became steady within its bounds
  StopReason stopped = StopReason::kPrecise;
  double elapsed_s = 0;         ///< warm-up and sampling
  double sampling_s = 0;        ///< sampling alone
  double waited_s = 0;          ///< of it, summed over threads: ready to run, but on no processor
  std::vector<double> probe_s;  ///< the witness's fixed work, after each round; empty without one
  std::vector<MeasureWarning> warnings;

  /// The arm called `name`, or nullptr.
  [[nodiscard]] const ArmSamples* find(std::string_view name) const;
};

/// Times the arms against each other.
///
/// Warm-up: windows of `warmup_window` runs of every arm, until every arm's window median differs
/// from its previous window's by at most `warmup_tolerance`; bounded by count and time. Then
/// rounds: all arms forward, all arms in reverse (A B B A), so that linear drift hits all arms
/// alike. After every round the stopping rule is asked. min_samples is rounded up to whole rounds.
/// @throws UsageError for no arm, two arms of one name, or options out of range;
///         std::logic_error if an arm returns a total that is not positive and finite
MeasureResult measure(std::span<const Arm> arms, const MeasureOptions& options, Clock& clock);
/// The same with a stopping rule of the caller.
MeasureResult measure(std::span<const Arm> arms, const MeasureOptions& options, StoppingRule& rule,
                      Clock& clock);

/// total_s of each sample of an arm, in order.
std::vector<double> totals_s(const ArmSamples& arm);

/// Indices of samples whose modified z-score |0.6745 (x - median) / MAD| exceeds 3.5 (Iglewicz and
/// Hoaglin 1993). If more than half of the samples are equal (MAD = 0), their second form with the
/// mean absolute deviation, |x - median| / (1.2533 meanAD), takes its place.
std::vector<std::size_t> outlier_indices(std::span<const double> samples);

/// How much longer one arm took than another, from samples taken next to each other.
struct PairedRatio {
  std::vector<double> samples;   ///< numerator_i / denominator_i - 1
  double value = 0;              ///< their median
  std::optional<Interval> ci95;  ///< order-statistic interval of the median
  /// True when the interval excludes 0: the two arms differ by more than this measurement's noise.
  [[nodiscard]] bool resolved() const;
};

/// Ratio of the i-th samples, which measure() takes in the same pass over the arms.
/// @throws std::logic_error if the arms differ in their number of samples
PairedRatio paired_ratio(const ArmSamples& numerator, const ArmSamples& denominator);

}  // namespace hotexpert
