#include "profiler/layer_profile.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace hotexpert {
namespace {

std::vector<double> totals_of(const std::vector<TracedPass>& passes) {
  std::vector<double> totals;
  for (const auto& pass : passes) totals.push_back(pass.times.total_s);
  return totals;
}

std::optional<double> median_clock_hz(const std::vector<TracedPass>& passes) {
  std::vector<double> clocks_hz;
  for (const auto& pass : passes) {
    if (pass.clock_hz) clocks_hz.push_back(*pass.clock_hz);
  }
  return clocks_hz.empty() ? std::nullopt : std::optional(median(clocks_hz));
}

double taken_fraction(const std::vector<TracedPass>& measured,
                      const std::vector<TracedPass>& control) {
  std::vector<double> fractions;
  for (const auto* passes : {&measured, &control}) {
    for (const auto& pass : *passes) {
      const double busy_s = summarise(pass.timeline).busy_s;
      if (pass.processor_s && busy_s > 0)
        fractions.push_back(std::max(0.0, 1 - *pass.processor_s / busy_s));
    }
  }
  return fractions.empty() ? 0 : median(fractions);
}

}  // namespace

ObservedPass observed(const TracedPass& pass) {
  ObservedPass observed;
  observed.times = pass.times;
  observed.timeline = pass.timeline;
  observed.clock_hz = pass.clock_hz;
  return observed;
}

ProfiledSteps run_profile_steps(PreparedLayer& layer, const ProfileArms& arms, int steps) {
  ProfiledSteps result;
  result.untraced.name = "untraced";
  const auto untraced = [&] {
    result.untraced.samples.push_back(run_step(layer, arms.measured.handle, arms.measured.payload));
  };
  const auto traced = [&](const ProfileArm& arm, std::vector<TracedPass>& into) {
    into.push_back(run_traced_step(layer, arm.handle, arm.payload));
  };
  for (int step = 0; step < steps; ++step) {
    const bool forward = step % 2 == 0;
    if (forward) untraced();
    if (!forward) {
      traced(arms.relabelled, result.relabelled);
      traced(arms.control, result.control);
    }
    traced(arms.measured, result.measured);
    if (forward) {
      traced(arms.control, result.control);
      traced(arms.relabelled, result.relabelled);
    }
    if (!forward) untraced();
  }
  return result;
}

std::size_t nearest_to_median(const std::vector<double>& values) {
  const double middle = median(values);
  const auto nearest =
      std::ranges::min_element(values, {}, [&](double value) { return std::abs(value - middle); });
  return static_cast<std::size_t>(nearest - values.begin());
}

double relative_spread(const std::vector<double>& values) {
  const double middle = median(values);
  std::vector<double> deviations;
  for (const double value : values) deviations.push_back(std::abs(value - middle));
  return 1.4826 * median(deviations) / middle;
}

void watch_passes(const std::vector<TracedPass>& measured, const std::vector<TracedPass>& control,
                  LayerProfile& profile) {
  for (const auto* passes : {&measured, &control}) {
    for (const auto& pass : *passes) {
      for (auto& fault : timeline_faults(pass.timeline)) profile.faults.push_back(std::move(fault));
    }
  }
  profile.taken_fraction = taken_fraction(measured, control);
  profile.measured_clock_hz = median_clock_hz(measured);
  profile.control_clock_hz = median_clock_hz(control);
}

void summarise_shown(const TracedPass& shown, LayerProfile& profile) {
  profile.summary = summarise(shown.timeline);
  const double phase_s = shown.times.expert_ffn_s.value_or(profile.summary.span_s);
  profile.untiled_fraction = std::abs(phase_s - profile.summary.span_s) / phase_s;
}

void keep_pairs(std::vector<StragglerLedger> pairs, LayerProfile& profile) {
  std::vector<double> difference_s;
  for (const auto& pair : pairs) difference_s.push_back(pair.difference_s());
  const auto left_out = outlier_indices(difference_s);
  profile.outliers = left_out.size();
  std::vector<double> kept_s;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (std::ranges::count(left_out, i) > 0) continue;
    kept_s.push_back(difference_s[i]);
    profile.pairs.push_back(std::move(pairs[i]));
  }
  profile.ledger = mean_ledger(profile.pairs);
  profile.difference_ci95 = median_interval(kept_s);
}

LayerProfile profile_of(const ProfiledSteps& steps) {
  LayerProfile profile;
  ArmSamples traced{"traced", {}, {}};
  for (const auto& pass : steps.measured) traced.samples.push_back(pass.times);
  profile.trace_overhead = paired_ratio(traced, steps.untraced);
  profile.untraced = steps.measured.front().untraced;
  if (!profile.untraced.empty()) return profile;

  watch_passes(steps.measured, steps.control, profile);
  for (const auto& pass : steps.relabelled) {
    for (auto& fault : timeline_faults(pass.timeline)) profile.faults.push_back(std::move(fault));
  }
  const auto measured_s = totals_of(steps.measured);
  profile.shown = nearest_to_median(measured_s);
  summarise_shown(steps.measured[profile.shown], profile);
  profile.pass_spread =
      std::max(relative_spread(measured_s), relative_spread(totals_of(steps.control)));

  std::vector<ObservedPass> healthy;
  for (const auto* passes : {&steps.control, &steps.relabelled}) {
    for (const auto& pass : *passes) healthy.push_back(observed(pass));
  }
  const TileReference reference = learn_tiles(healthy);
  std::vector<StragglerLedger> pairs;
  for (std::size_t i = 0; i < steps.measured.size(); ++i)
    pairs.push_back(
        book_straggler(observed(steps.measured[i]), observed(steps.control[i]), reference));
  keep_pairs(std::move(pairs), profile);
  return profile;
}

}  // namespace hotexpert
