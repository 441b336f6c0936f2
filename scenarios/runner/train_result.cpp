#include "scenarios/runner/train_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/core/expert_placement.hpp"
#include "sim/metrics/binomial.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/routing/capacity_rule.hpp"

namespace hotexpert {
namespace {

using training::Evaluation;
using training::StepMeasures;
using training::TrainingRecord;
using training::TrainingRun;
using training::TrainingSummary;

struct SummaryMetric {
  std::string_view metric;
  double TrainingSummary::*value;
};
constexpr std::array kSummaryMetrics = {
    SummaryMetric{"train.end_loss", &TrainingSummary::task_loss},
    SummaryMetric{"train.max_vio", &TrainingSummary::max_vio},
    SummaryMetric{"train.overshoot", &TrainingSummary::overshoot},
    SummaryMetric{"train.load_cycle", &TrainingSummary::load_cycle},
    SummaryMetric{"train.grad_norm_ratio", &TrainingSummary::gradient_norm_ratio},
    SummaryMetric{"train.starved_grad_norm", &TrainingSummary::starved_gradient_norm},
    SummaryMetric{"train.overloaded_grad_norm", &TrainingSummary::overloaded_gradient_norm},
    SummaryMetric{"train.starved_grad_cv", &TrainingSummary::starved_gradient_cv},
    SummaryMetric{"train.overloaded_grad_cv", &TrainingSummary::overloaded_gradient_cv},
    SummaryMetric{"train.starved_share", &TrainingSummary::starved_share},
    SummaryMetric{"train.balance_to_task_gradient", &TrainingSummary::balance_to_task_gradient},
    SummaryMetric{"train.loss_hacked_share", &TrainingSummary::loss_hacked_share},
    SummaryMetric{"train.router_entropy", &TrainingSummary::router_entropy},
    SummaryMetric{"train.hottest_share", &TrainingSummary::hottest_share},
    SummaryMetric{"train.hottest_gradient_share", &TrainingSummary::hottest_gradient_share},
};

struct Curve {
  std::string_view name;
  std::string_view unit;
  double StepMeasures::*value;
};
constexpr std::array kCurves = {
    Curve{"curve.task_loss", "loss", &StepMeasures::task_loss},
    Curve{"curve.max_over_mean", "ratio", &StepMeasures::max_over_mean},
    Curve{"curve.idle_experts", "count", &StepMeasures::idle_experts},
    Curve{"curve.hottest_share", "fraction", &StepMeasures::hottest_share},
    Curve{"curve.hottest_gradient_share", "fraction", &StepMeasures::hottest_gradient_share},
    Curve{"curve.hottest_loss", "loss", &StepMeasures::hottest_loss},
    Curve{"curve.other_loss", "loss", &StepMeasures::other_loss},
    Curve{"curve.gradient_norm_cv", "ratio", &StepMeasures::gradient_norm_cv},
    Curve{"curve.router_entropy", "nat", &StepMeasures::router_entropy},
    Curve{"curve.balance_to_task_gradient", "ratio", &StepMeasures::balance_to_task_gradient},
};

void add(PointResult& result, std::string metric, double value,
         Provenance provenance = Provenance::kSimulated) {
  result.measurements.push_back({std::move(metric), value, provenance});
}

void add_summary(const TrainingRun& run, PointResult& result) {
  const auto& summary = *run.summary;
  for (const auto& row : kSummaryMetrics) add(result, std::string(row.metric), summary.*row.value);
  add(result, "train.settle_step", static_cast<double>(summary.settle_step));
  add(result, "train.reach_step", static_cast<double>(summary.reach_step));
  if (summary.bias_cycle) add(result, "train.bias_cycle", *summary.bias_cycle);
  if (run.config.capacity_factor) add(result, "train.drop_fraction", summary.drop_fraction);
}

void add_drops(const TrainingRun& run, PointResult& result) {
  const CapacityRule rule("megatron");
  const auto& config = run.config;
  for (const auto& drop : run.evaluation->drops) {
    const std::string factor = drop.factor.to_string();
    add(result, fmt::format("drop.assignment_fraction@{}", factor), drop.fraction,
        Provenance::kCounted);
    const auto capacity =
        capacity_of(rule, {config.tokens, config.num_experts, config.top_k, 1}, drop.factor, 0);
    add(result, fmt::format("drop.floor_fraction@{}", factor),
        expected_drop_fraction(config.tokens, config.num_experts, config.top_k, *capacity),
        Provenance::kExpected);
  }
}

void add_evaluation(const TrainingRun& run, PointResult& result) {
  const Evaluation& evaluation = *run.evaluation;
  add(result, "train.task_loss", evaluation.task_loss);
  add(result, "train.specialization_mi", evaluation.specialization_mi);
  if (evaluation.class_entropy > 0) {
    add(result, "train.specialization_share",
        evaluation.specialization_mi / evaluation.class_entropy);
  }
  add(result, "train.output_similarity", evaluation.output_similarity);
  const auto placement = ExpertPlacement::contiguous(run.config.num_experts);
  for (auto& measurement : load_metrics(evaluation.load, placement)) {
    if (measurement.metric.rfind("load.", 0) == 0) {
      result.measurements.push_back(std::move(measurement));
    }
  }
  add_drops(run, result);
  Series classes;
  classes.metric = "lab.class_counts";
  classes.unit = "count";
  classes.provenance = Provenance::kCounted;
  classes.dims = {"expert", "class"};
  classes.shape = {run.config.num_experts, evaluation.num_classes};
  classes.values.assign(evaluation.class_counts.begin(), evaluation.class_counts.end());
  result.series.push_back(std::move(classes));
}

void add_curves(const TrainingRecord& record, PointResult& result) {
  const auto ends = curve_steps(record.size());
  result.series.push_back(series_along("step", "curve.step", "count", Provenance::kSimulated,
                                       std::vector<double>(ends.begin(), ends.end())));
  for (const auto& curve : kCurves) {
    std::vector<double> values;
    std::int64_t begin = 0;
    for (const std::int64_t end : ends) {
      double sum = 0;
      for (std::int64_t s = begin; s < end; ++s) {
        sum += record.steps[static_cast<std::size_t>(s)].*curve.value;
      }
      values.push_back(sum / static_cast<double>(end - begin));
      begin = end;
    }
    result.series.push_back(series_along("step", std::string(curve.name), std::string(curve.unit),
                                         Provenance::kSimulated, std::move(values)));
  }
}

}  // namespace

std::vector<std::int64_t> curve_steps(std::int64_t steps) {
  const std::int64_t parts = std::min(steps, kCurvePoints);
  std::vector<std::int64_t> ends;
  for (std::int64_t part = 1; part <= parts; ++part) ends.push_back(part * steps / parts);
  return ends;
}

PointResult to_result(const TrainSpec& spec, const TrainingRun& run) {
  PointResult result;
  result.point = spec.point;
  if (run.failure) {
    result.outcome = Outcome::kFailed;
    result.reason = fmt::format("training ended at step {} of {}: {}", run.failure->step,
                                run.config.steps, run.failure->cause);
  } else {
    add_evaluation(run, result);
    add_summary(run, result);
  }
  if (run.record.size() > 0) add_curves(run.record, result);
  return result;
}

}  // namespace hotexpert
