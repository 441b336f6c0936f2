#include "profiler/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

void validate(std::span<const Arm> arms, const MeasureOptions& options) {
  if (arms.empty()) throw UsageError("measure: there is no arm to time");
  for (std::size_t i = 0; i < arms.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (arms[i].name == arms[j].name)
        throw UsageError(fmt::format("measure: two arms are called '{}'", arms[i].name));
    }
  }
  if (options.min_samples < 1 || options.max_samples < options.min_samples)
    throw UsageError(fmt::format("measure: samples {} to {} is not a range (write 1 <= min <= max)",
                                 options.min_samples, options.max_samples));
  if (!(options.target_relative_half_width > 0))
    throw UsageError("measure: the wanted relative half width must be above 0 (0.02 = 2 %)");
  if (!(options.time_budget_s > 0)) throw UsageError("measure: the time budget must be above 0 s");
  if (options.warmup_window < 1 || options.max_warmup_windows < 0)
    throw UsageError("measure: warm-up needs windows of at least 1 run, and at least 0 windows");
}

PhaseTimes run_checked(const Arm& arm) {
  PhaseTimes times = arm.run();
  if (!(times.total_s > 0) || !std::isfinite(times.total_s))
    throw std::logic_error(
        fmt::format("arm '{}' reported a total of {} s", arm.name, times.total_s));
  return times;
}

bool is_steady(std::span<const double> before, std::span<const double> now, double tolerance) {
  for (std::size_t arm = 0; arm < now.size(); ++arm) {
    if (!(std::abs(now[arm] - before[arm]) <= tolerance * before[arm])) return false;
  }
  return true;
}

/// Median total of each arm over one window of interleaved runs.
std::vector<double> warmup_window_medians(std::span<const Arm> arms, int runs) {
  std::vector<std::vector<double>> total_s(arms.size());
  for (int run = 0; run < runs; ++run) {
    for (std::size_t arm = 0; arm < arms.size(); ++arm)
      total_s[arm].push_back(run_checked(arms[arm]).total_s);
  }
  std::vector<double> medians;
  for (const auto& arm : total_s) medians.push_back(median(arm));
  return medians;
}

void warm_up(std::span<const Arm> arms, const MeasureOptions& options, Clock& clock,
             MeasureResult& result) {
  const double deadline_s = clock.now_s() + options.warmup_time_share * options.time_budget_s;
  std::vector<double> before;
  for (int window = 0; window < options.max_warmup_windows; ++window) {
    auto now = warmup_window_medians(arms, options.warmup_window);
    result.warmup_runs += options.warmup_window;
    result.warmed_up = window > 0 && is_steady(before, now, options.warmup_tolerance);
    if (result.warmed_up || clock.now_s() >= deadline_s) return;
    before = std::move(now);
  }
}

/// Forward, then reversed: A B C C B A. One sample of each arm in each pass.
void sample_round(std::span<const Arm> arms, MeasureResult& result,
                  std::vector<std::vector<double>>& total_s) {
  const std::size_t count = arms.size();
  for (std::size_t position = 0; position < 2 * count; ++position) {
    const std::size_t arm = position < count ? position : 2 * count - 1 - position;
    result.arms[arm].samples.push_back(run_checked(arms[arm]));
    total_s[arm].push_back(result.arms[arm].samples.back().total_s);
  }
}

}  // namespace

MeasureResult measure(std::span<const Arm> arms, const MeasureOptions& options, Clock& clock) {
  RelativeWidthRule rule(options.min_samples, options.max_samples,
                         options.target_relative_half_width, options.time_budget_s);
  return measure(arms, options, rule, clock);
}

MeasureResult measure(std::span<const Arm> arms, const MeasureOptions& options, StoppingRule& rule,
                      Clock& clock) {
  validate(arms, options);
  MeasureResult result;
  for (const auto& arm : arms) result.arms.push_back({arm.name, {}, {}});
  const double start_s = clock.now_s();
  warm_up(arms, options, clock, result);

  const double sampling_start_s = clock.now_s();
  const double waited_before_s = options.witness != nullptr ? options.witness->waited_s() : 0;
  std::vector<std::vector<double>> total_s(arms.size());
  for (std::optional<StopReason> stop; !stop;) {
    sample_round(arms, result, total_s);
    if (options.witness != nullptr) result.probe_s.push_back(options.witness->probe_s());
    stop = rule.decide({total_s, clock.now_s() - sampling_start_s});
    if (stop) result.stopped = *stop;
  }
  const double end_s = clock.now_s();
  result.elapsed_s = end_s - start_s;
  result.sampling_s = end_s - sampling_start_s;
  if (options.witness != nullptr) result.waited_s = options.witness->waited_s() - waited_before_s;

  for (std::size_t arm = 0; arm < arms.size(); ++arm)
    result.arms[arm].outliers = outlier_indices(total_s[arm]);
  result.warnings = doubts_of(result, options, clock);
  return result;
}

const ArmSamples* MeasureResult::find(std::string_view name) const {
  const auto found = std::ranges::find(arms, name, &ArmSamples::name);
  return found == arms.end() ? nullptr : &*found;
}

std::vector<double> totals_s(const ArmSamples& arm) {
  std::vector<double> values;
  values.reserve(arm.samples.size());
  for (const auto& sample : arm.samples) values.push_back(sample.total_s);
  return values;
}

std::vector<std::size_t> outlier_indices(std::span<const double> samples) {
  if (samples.size() < 3) return {};
  const double center = median(samples);
  std::vector<double> deviations;
  for (const double sample : samples) deviations.push_back(std::abs(sample - center));
  const double mad = median(deviations);
  const double scale = mad > 0 ? mad / 0.6745 : 1.2533 * mean(deviations);
  std::vector<std::size_t> outliers;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (deviations[i] > 3.5 * scale) outliers.push_back(i);
  }
  return outliers;
}

bool PairedRatio::resolved() const { return ci95 && (ci95->low > 0 || ci95->high < 0); }

PairedRatio paired_ratio(const ArmSamples& numerator, const ArmSamples& denominator) {
  if (numerator.samples.size() != denominator.samples.size())
    throw std::logic_error(fmt::format("arms '{}' and '{}' differ in their number of samples",
                                       numerator.name, denominator.name));
  PairedRatio ratio;
  for (std::size_t i = 0; i < numerator.samples.size(); ++i)
    ratio.samples.push_back(numerator.samples[i].total_s / denominator.samples[i].total_s - 1);
  ratio.value = median(ratio.samples);
  ratio.ci95 = median_interval(ratio.samples);
  return ratio;
}

}  // namespace hotexpert
