#include "profiler/measure_warning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "profiler/measure.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {
namespace {

constexpr double kNoisyShare = 0.10;
constexpr double kDriftShare = 0.03;
constexpr double kDriftZ = 3.0;
constexpr double kBimodalGap = 4.0;
constexpr double kBimodalShare = 0.03;
constexpr double kClockSteps = 200;
constexpr double kLoadedShare = 0.5;
constexpr double kWaitedShare = 0.02;

/// A time with three digits and a fitting unit: "12.3 us".
std::string readable(double seconds) {
  if (seconds < 1e-6) return fmt::format("{:.3g} ns", seconds * 1e9);
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} s", seconds);
}

double robust_spread(std::span<const double> samples) {
  const double center = median(samples);
  std::vector<double> deviations;
  for (const double sample : samples) deviations.push_back(std::abs(sample - center));
  return 1.4826 * median(deviations);
}

/// The z-score of Mann and Kendall's trend test, ties not corrected (they only lower |z|).
double trend_z(std::span<const double> samples) {
  double rises = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (std::size_t j = i + 1; j < samples.size(); ++j)
      rises += samples[j] > samples[i] ? 1 : samples[j] < samples[i] ? -1 : 0;
  }
  const auto n = static_cast<double>(samples.size());
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  return deviation == 0 ? 0 : rises / deviation;
}

struct TwoGroups {
  double low_median;
  double high_median;
};

double interquartile_range(std::span<const double> values) {
  return quantile(values, 0.75) - quantile(values, 0.25);
}

std::optional<TwoGroups> two_groups(std::span<const double> samples) {
  if (samples.size() < 10) return std::nullopt;
  std::vector<double> ordered(samples.begin(), samples.end());
  std::sort(ordered.begin(), ordered.end());
  const std::size_t side = (ordered.size() + 4) / 5;
  std::size_t split = side;
  for (std::size_t i = side; i <= ordered.size() - side; ++i) {
    if (ordered[i] - ordered[i - 1] > ordered[split] - ordered[split - 1]) split = i;
  }
  const std::span<const double> all(ordered);
  const auto low = all.first(split);
  const auto high = all.subspan(split);
  const double gap = high.front() - low.back();
  const double spread = (interquartile_range(low) + interquartile_range(high)) / 2;
  if (gap <= kBimodalGap * spread || gap <= kBimodalShare * median(all)) return std::nullopt;
  return TwoGroups{median(low), median(high)};
}

std::optional<std::string> noisy(std::span<const double> samples) {
  const double share = robust_spread(samples) / median(samples);
  if (!(share > kNoisyShare)) return std::nullopt;
  return fmt::format(
      "Samples scatter by {:.0f} % of their median. Small differences between arms cannot be seen "
      "in such noise. Close other programs, pin threads (OMP_PROC_BIND=close), or make the step "
      "larger.",
      100 * share);
}

/// Relative change from the first third to the last, where it is more than noise.
std::optional<double> trend(std::span<const double> samples) {
  const std::size_t third = samples.size() / 3;
  if (third == 0) return std::nullopt;
  const double change = median(samples.last(third)) / median(samples.first(third)) - 1;
  if (std::abs(change) <= kDriftShare || std::abs(trend_z(samples)) <= kDriftZ) return std::nullopt;
  return change;
}

std::optional<std::string> drift(std::span<const double> samples) {
  const auto change = trend(samples);
  if (!change) return std::nullopt;
  return fmt::format(
      "Samples {} by {:.1f} % from the first third to the last. The median then depends on how "
      "long was measured; ratios of interleaved arms stay valid. Let the machine cool down, fix "
      "its clock (governor `performance`), or warm up longer.",
      *change > 0 ? "rose" : "fell", 100 * std::abs(*change));
}

std::optional<std::string> bimodal(std::span<const double> samples) {
  const auto groups = two_groups(samples);
  if (!groups) return std::nullopt;
  return fmt::format(
      "Samples fall into two groups, around {} and {}. Their median describes neither. Look for "
      "two clock states, two memory placements or two thread placements, and pin them.",
      readable(groups->low_median), readable(groups->high_median));
}

/// The processor's clock, as fixed work between the rounds shows it.
std::optional<std::string> clock_change(std::span<const double> probe_s) {
  double from_s = 0;
  double to_s = 0;
  if (trend(probe_s)) {
    from_s = median(probe_s.first(probe_s.size() / 3));
    to_s = median(probe_s.last(probe_s.size() / 3));
  } else if (const auto groups = two_groups(probe_s)) {
    from_s = groups->low_median;
    to_s = groups->high_median;
  } else {
    return std::nullopt;
  }
  return fmt::format(
      "While it was measured the processor's clock changed: the same work took {} and {}. Times "
      "then belong to two machines; ratios of interleaved arms stay valid. Fix the clock (governor "
      "`performance`, no turbo), let the machine cool down, or end what shares the core.",
      readable(from_s), readable(to_s));
}

std::optional<std::string> neighbour(const MeasureResult& result) {
  if (!(result.waited_s > kWaitedShare * result.sampling_s)) return std::nullopt;
  return fmt::format(
      "While it was measured, threads waited {} of {} for a processor that other work used. "
      "Samples "
      "then hold the others' time too. End other programs, or use fewer threads than processors.",
      readable(result.waited_s), readable(result.sampling_s));
}

std::optional<std::string> clock_resolution(std::span<const double> samples, double resolution_s) {
  if (!(median(samples) < kClockSteps * resolution_s)) return std::nullopt;
  return fmt::format(
      "A sample lasts {}, the clock steps by {}. Rounding to clock steps is then a visible part of "
      "each sample. Use more tokens a step or a larger layer.",
      readable(median(samples)), readable(resolution_s));
}

std::optional<std::string> first_slow(const ArmSamples& arm, std::span<const double> samples) {
  const bool outlier = !arm.outliers.empty() && arm.outliers.front() == 0;
  if (!outlier || samples.front() <= median(samples)) return std::nullopt;
  return fmt::format(
      "The first sample took {}, the median is {}. Caches, clocks or allocations were not warm "
      "when sampling began. Allow more warm-up windows.",
      readable(samples.front()), readable(median(samples)));
}

std::optional<std::string> too_few(std::span<const double> samples) {
  if (median_interval(samples)) return std::nullopt;
  return fmt::format(
      "Only {} samples were taken. The median has no 95 % interval below 6. Raise min_samples or "
      "the time budget.",
      samples.size());
}

std::optional<std::string> budget_hit(std::span<const double> samples, StopReason stopped,
                                      const MeasureOptions& options) {
  const double width = relative_half_width(samples);
  if (stopped == StopReason::kPrecise || !(width > options.target_relative_half_width) ||
      !std::isfinite(width)) {
    return std::nullopt;
  }
  const auto limit = stopped == StopReason::kTimeBudget
                         ? fmt::format("the time budget of {}", readable(options.time_budget_s))
                         : fmt::format("{} samples", samples.size());
  return fmt::format(
      "Sampling ended at {} with an interval of +-{:.1f} %, {:.1f} % was wanted. Differences "
      "smaller than the interval are not resolved. Raise the limit or accept a wider interval.",
      limit, 100 * width, 100 * options.target_relative_half_width);
}

}  // namespace

std::vector<MeasureWarning> doubts_of(const MeasureResult& result, const MeasureOptions& options,
                                      const Clock& clock) {
  std::vector<MeasureWarning> warnings;
  for (const auto& arm : result.arms) {
    const auto samples = totals_s(arm);
    const auto add = [&](MeasureDoubt doubt, std::optional<std::string> text) {
      if (text) warnings.push_back({doubt, arm.name, fmt::format("{}: {}", arm.name, *text)});
    };
    add(MeasureDoubt::kTooFewSamples, too_few(samples));
    add(MeasureDoubt::kBudgetHit, budget_hit(samples, result.stopped, options));
    add(MeasureDoubt::kNoisy, noisy(samples));
    add(MeasureDoubt::kDrift, drift(samples));
    add(MeasureDoubt::kBimodal, bimodal(samples));
    add(MeasureDoubt::kFirstSlow, first_slow(arm, samples));
    add(MeasureDoubt::kClockResolution, clock_resolution(samples, clock.resolution_s()));
  }
  if (!result.warmed_up) {
    warnings.push_back(
        {MeasureDoubt::kNotSteady, "",
         fmt::format("The warm-up was still changing by more than {:.0f} % after {} runs an arm. "
                     "Early samples may belong to another state of the machine. Allow more warm-up "
                     "windows or a larger time budget.",
                     100 * options.warmup_tolerance, result.warmup_runs)});
  }
  if (auto text = neighbour(result))
    warnings.push_back({MeasureDoubt::kNeighbour, "", std::move(*text)});
  if (auto text = clock_change(result.probe_s))
    warnings.push_back({MeasureDoubt::kClockChange, "", std::move(*text)});
  const auto& load = options.machine_load;
  if (load && load->load_average > kLoadedShare * load->processors) {
    warnings.push_back(
        {MeasureDoubt::kLoadedMachine, "",
         fmt::format("The load average was {:.1f} on {} processors when the program started. Other "
                     "work then shares cores, caches and memory bandwidth with the samples. Wait "
                     "until the machine is idle or use fewer threads.",
                     load->load_average, load->processors)});
  }
  return warnings;
}

}  // namespace hotexpert
