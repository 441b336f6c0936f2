#include "profiler/stopping_rule.hpp"

#include <algorithm>
#include <limits>

#include "sim/base/statistics.hpp"

namespace hotexpert {

double relative_half_width(std::span<const double> samples) {
  const auto interval = median_interval(samples);
  if (!interval) return std::numeric_limits<double>::infinity();
  const double width = interval->high - interval->low;
  return width == 0 ? 0 : width / 2 / median(samples);
}

RelativeWidthRule::RelativeWidthRule(int min_samples, int max_samples,
                                     double target_relative_half_width, double time_budget_s)
    : min_samples_(static_cast<std::size_t>(min_samples)),
      max_samples_(static_cast<std::size_t>(max_samples)),
      target_relative_half_width_(target_relative_half_width),
      time_budget_s_(time_budget_s),
      next_look_(min_samples_) {}

std::optional<StopReason> RelativeWidthRule::decide(const SamplingState& state) {
  const std::size_t samples = state.total_s.front().size();
  if (samples < min_samples_) return std::nullopt;
  if (samples >= next_look_) {
    next_look_ = samples + std::max<std::size_t>(2, samples / 4);
    const bool precise = std::ranges::all_of(state.total_s, [&](const auto& arm) {
      return relative_half_width(arm) <= target_relative_half_width_;
    });
    if (precise) return StopReason::kPrecise;
  }
  if (samples >= max_samples_) return StopReason::kMaxSamples;
  if (state.elapsed_s >= time_budget_s_) return StopReason::kTimeBudget;
  return std::nullopt;
}

}  // namespace hotexpert
