#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "profiler/layer_step.hpp"
#include "profiler/measure.hpp"
#include "profiler/straggler_ledger.hpp"

namespace hotexpert {

/// A loaded plan and what Nsight shows beside its passes.
struct ProfileArm {
  int handle = 0;
  RangePayload payload;
};

/// The plans of a profile, loaded in one layer.
struct ProfileArms {
  ProfileArm measured;
  ProfileArm control;     ///< the balanced control
  ProfileArm relabelled;  ///< the measured loads on other experts, see relabel_by_heat()
};

/// Passes taken next to each other: untraced measured, then traced measured, control, relabelled;
/// every other step in reverse.
struct ProfiledSteps {
  ArmSamples untraced;                 ///< of the measured plan
  std::vector<TracedPass> measured;    ///< [steps]
  std::vector<TracedPass> control;     ///< [steps]
  std::vector<TracedPass> relabelled;  ///< [steps]
};

/// @param steps at least 1; 6 for intervals
ProfiledSteps run_profile_steps(PreparedLayer& layer, const ProfileArms& arms, int steps);

/// What the steps say. Tile times are learnt from the control and the relabelled passes, so that an
/// expert that is slow in itself stands out from large tiles; every pair (measured, control) is
/// booked, pairs whose difference is an outlier are left out, and the ledger is the mean of the
/// rest.
struct LayerProfile {
  std::string untraced;     ///< why there are no tiles; then only trace_overhead is known
  std::size_t shown = 0;    ///< the step whose measured total is nearest to the median
  TimelineSummary summary;  ///< of the shown step
  StragglerLedger ledger;
  std::vector<StragglerLedger> pairs;       ///< what `ledger` is the mean of
  std::optional<Interval> difference_ci95;  ///< of the median of the pairs' differences
  std::size_t outliers = 0;                 ///< pairs left out of the ledger
  double pass_spread = 0;  ///< 1.4826 MAD / median of total_s, the larger of measured and control
  /// Median over passes of 1 - processor time / busy time of the tiles, at least 0: what other
  /// programs had of it. A lower bound, as waiting threads may use processor time too.
  double taken_fraction = 0;
  std::optional<double> measured_clock_hz;  ///< medians over passes, where it can be read
  std::optional<double> control_clock_hz;
  PairedRatio trace_overhead;  ///< traced / untraced - 1, of the measured plan's totals
  /// |expert phase - timeline span| / expert phase of the shown step: time that tiles do not show.
  double untiled_fraction = 0;
  std::vector<std::string> faults;  ///< timeline_faults() of all passes; must be empty

  /// True when measured and control differ by more than this profile's noise: only then does the
  /// ledger explain something.
  [[nodiscard]] bool resolved() const {
    return difference_ci95 && (difference_ci95->low > 0 || difference_ci95->high < 0);
  }
};
LayerProfile profile_of(const ProfiledSteps& steps);

// Parts of profile_of(), which the profile of several ranks (rank_ledger.hpp) is made of too.
/// The value nearest to the median, by index.
std::size_t nearest_to_median(const std::vector<double>& values);
/// 1.4826 MAD / median: the standard deviation over the mean where values are normal.
double relative_spread(const std::vector<double>& values);
/// faults, taken_fraction and clocks.
void watch_passes(const std::vector<TracedPass>& measured, const std::vector<TracedPass>& control,
                  LayerProfile& profile);
/// summary and untiled_fraction.
void summarise_shown(const TracedPass& shown, LayerProfile& profile);
/// pairs without those whose difference is an outlier, outliers, ledger and difference_ci95.
void keep_pairs(std::vector<StragglerLedger> pairs, LayerProfile& profile);

/// A traced pass as the ledger takes it.
ObservedPass observed(const TracedPass& pass);

/// The plan with its experts' rows exchanged inside each rank: the hottest expert's with the
/// coldest's, the second hottest's with the second coldest's, … The same loads on other experts.
DispatchPlan relabel_by_heat(const DispatchPlan& plan);

/// The plan with the rows of `expert` dealt out over itself and `copies - 1` further physical
/// experts, appended, in equal contiguous parts.   @param copies >= 2
DispatchPlan split_expert(const DispatchPlan& plan, int expert, int copies);

}  // namespace hotexpert
