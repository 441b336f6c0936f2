#include "sim/training/training_summary.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace hotexpert::training {
namespace {

constexpr double kSettledBand = 0.2;
constexpr double kStarvedBelow = 0.1;

/// The steps [begin, end) of a record, as columns.
struct Window {
  const TrainingRecord& record;
  std::int64_t begin;

  [[nodiscard]] std::int64_t size() const { return record.size() - begin; }
  [[nodiscard]] double mean(double StepMeasures::*member) const {
    double total = 0;
    for (std::int64_t s = begin; s < record.size(); ++s) {
      total += record.steps[static_cast<std::size_t>(s)].*member;
    }
    return total / static_cast<double>(size());
  }
  /// Column `column` of values [steps, columns].
  template <class Value>
  [[nodiscard]] std::vector<double> column(const std::vector<Value>& values, std::size_t columns,
                                           std::size_t column) const {
    std::vector<double> out;
    for (std::int64_t s = begin; s < record.size(); ++s) {
      out.push_back(static_cast<double>(values[static_cast<std::size_t>(s) * columns + column]));
    }
    return out;
  }
};

Window last_part(const TrainingRecord& record, std::int64_t divisor) {
  return {record, record.size() - std::max<std::int64_t>(1, record.size() / divisor)};
}

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

double root_mean_square(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

/// Root mean square of the residuals of a least-squares line; 0 below three values.
double rms_around_line(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 3) return 0;
  const double centre = (n - 1) / 2;
  const double mean = mean_of(values);
  double covariance = 0;
  double spread = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = static_cast<double>(i) - centre;
    covariance += x * (values[i] - mean);
    spread += x * x;
  }
  std::vector<double> residual(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    residual[i] = values[i] - mean - covariance / spread * (static_cast<double>(i) - centre);
  }
  return root_mean_square(residual);
}

void set_step_means(const Window& window, TrainingSummary& summary) {
  summary.task_loss = window.mean(&StepMeasures::task_loss);
  summary.max_over_mean = window.mean(&StepMeasures::max_over_mean);
  summary.max_vio = summary.max_over_mean - 1;
  summary.load_cv = window.mean(&StepMeasures::load_cv);
  summary.effective_experts = window.mean(&StepMeasures::effective_experts);
  summary.drop_fraction = window.mean(&StepMeasures::drop_fraction);
  summary.router_entropy = window.mean(&StepMeasures::router_entropy);
  summary.hottest_share = window.mean(&StepMeasures::hottest_share);
  summary.hottest_gradient_share = window.mean(&StepMeasures::hottest_gradient_share);
  summary.balance_to_task_gradient = window.mean(&StepMeasures::balance_to_task_gradient);
  double hacked = 0;
  for (std::int64_t s = window.begin; s < window.record.size(); ++s) {
    hacked += window.record.steps[static_cast<std::size_t>(s)].loss_hacked;
  }
  summary.loss_hacked_share = hacked / static_cast<double>(window.size());
}

/// What the last steps showed of one expert.
struct ExpertEnd {
  double load = 0;  ///< mean
  double gradient_mean = 0;
  double gradient_rms = 0;
  [[nodiscard]] double gradient_cv() const {
    if (gradient_mean <= 0) return 0;
    const double variance = gradient_rms * gradient_rms - gradient_mean * gradient_mean;
    return std::sqrt(std::max(variance, 0.0)) / gradient_mean;
  }
};

std::vector<ExpertEnd> expert_ends(const Window& window) {
  const auto experts = static_cast<std::size_t>(window.record.num_experts);
  std::vector<ExpertEnd> ends(experts);
  for (std::size_t i = 0; i < experts; ++i) {
    const auto norms = window.column(window.record.gradient_norm, experts, i);
    ends[i] = {mean_of(window.column(window.record.load, experts, i)), mean_of(norms),
               root_mean_square(norms)};
  }
  return ends;
}

void set_expert_measures(std::vector<ExpertEnd> ends, TrainingSummary& summary) {
  std::stable_sort(ends.begin(), ends.end(),
                   [](const ExpertEnd& a, const ExpertEnd& b) { return a.load < b.load; });
  const std::size_t quarter = std::max<std::size_t>(1, ends.size() / 4);
  const auto part = static_cast<double>(quarter);
  for (std::size_t i = 0; i < quarter; ++i) {
    const auto& cold = ends[i];
    const auto& hot = ends[ends.size() - 1 - i];
    summary.starved_gradient_norm += cold.gradient_mean / part;
    summary.overloaded_gradient_norm += hot.gradient_mean / part;
    summary.starved_gradient_cv += cold.gradient_cv() / part;
    summary.overloaded_gradient_cv += hot.gradient_cv() / part;
  }
  double largest = 0;
  double smallest = 0;
  for (const auto& expert : ends) {
    if (expert.load <= 0) ++summary.dead_experts;
    if (expert.gradient_rms <= 0) continue;
    largest = std::max(largest, expert.gradient_rms);
    smallest = smallest > 0 ? std::min(smallest, expert.gradient_rms) : expert.gradient_rms;
  }
  if (smallest > 0) summary.gradient_norm_ratio = largest / smallest;
}

double starved_share(const std::vector<std::int64_t>& kept_load) {
  const double total =
      static_cast<double>(std::accumulate(kept_load.begin(), kept_load.end(), std::int64_t{0}));
  const double limit = kStarvedBelow * total / static_cast<double>(kept_load.size());
  const auto starved = std::count_if(kept_load.begin(), kept_load.end(), [&](std::int64_t load) {
    return static_cast<double>(load) < limit;
  });
  return static_cast<double>(starved) / static_cast<double>(kept_load.size());
}

/// MaxVio averaged over the past 5 % of the run, at each step.
std::vector<double> smoothed_max_vio(const TrainingRecord& record) {
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(1, record.size() / 20));
  std::vector<double> out;
  double sum = 0;
  for (std::size_t s = 0; s < record.steps.size(); ++s) {
    sum += record.steps[s].max_over_mean - 1;
    if (s >= width) sum -= record.steps[s - width].max_over_mean - 1;
    out.push_back(sum / static_cast<double>(std::min(s + 1, width)));
  }
  return out;
}

void set_settling(const TrainingRecord& record, TrainingSummary& summary) {
  const auto smoothed = smoothed_max_vio(record);
  const double level = summary.max_vio;
  const auto settled = [&](double value) {
    return std::abs(value - level) <= kSettledBand * level;
  };
  const auto first = std::find_if(smoothed.begin(), smoothed.end(), settled);
  const auto last_outside = std::find_if_not(smoothed.rbegin(), smoothed.rend(), settled);
  summary.settle_step = smoothed.rend() - last_outside;
  const auto reached = std::find_if(smoothed.begin(), smoothed.end(), [&](double value) {
    return value <= (1 + kSettledBand) * level;
  });
  summary.reach_step = reached - smoothed.begin();
  if (first != smoothed.end() && level > 0) {
    summary.overshoot = std::max(0.0, *std::max_element(first, smoothed.end()) / level - 1);
  }
}

void set_cycles(const Window& window, TrainingSummary& summary) {
  const auto& record = window.record;
  const auto experts = static_cast<std::size_t>(record.num_experts);
  double mean_load = 0;
  for (std::int64_t s = window.begin; s < record.size(); ++s) {
    const auto* row = record.load.data() + static_cast<std::size_t>(s) * experts;
    mean_load += static_cast<double>(std::accumulate(row, row + experts, std::int64_t{0}));
  }
  mean_load /= static_cast<double>(window.size()) * static_cast<double>(experts);
  double bias_cycle = 0;
  for (std::size_t i = 0; i < experts; ++i) {
    const auto share = 1.0 / static_cast<double>(experts);
    const double load = rms_around_line(window.column(record.load, experts, i));
    if (mean_load > 0) summary.load_cycle += share * load / mean_load;
    if (record.rule_memory.empty()) continue;
    bias_cycle += share * rms_around_line(window.column(record.rule_memory, experts, i));
  }
  if (!record.rule_memory.empty()) summary.bias_cycle = bias_cycle;
}

}  // namespace

TrainingSummary summarize(const TrainingRecord& record) {
  TrainingSummary summary;
  const Window end = last_part(record, 10);
  set_step_means(end, summary);
  set_expert_measures(expert_ends(end), summary);
  summary.starved_share = starved_share(record.kept_load);
  set_settling(record, summary);
  set_cycles(last_part(record, 5), summary);
  return summary;
}

}  // namespace hotexpert::training
