#include "scenarios/runner/train_timing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "kernels/plugin/expert_plugin.hpp"
#include "profiler/layer_measurements.hpp"
#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/train_result.hpp"
#include "sim/base/errors.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/traces/controls.hpp"

namespace hotexpert {
namespace {

using training::TrainingRun;

/// Something to time: its name, its plan and the skew of its loads.
struct LabArm {
  std::string name;
  DispatchPlan plan;
  double max_over_mean = 1;
};

/// Time of the layer at one skew.
struct Knot {
  double max_over_mean = 1;
  double time_s = 0;
  Interval ci95;
};

LabArm planned(std::string name, const RoutingBatch& batch) {
  std::vector<std::int64_t> load(static_cast<std::size_t>(batch.num_experts));
  count_load(batch, load);
  LabArm arm{std::move(name),
             plan_dispatch(batch, ExpertPlacement::contiguous(batch.num_experts), {}),
             max_over_mean(load)};
  check_invariants(arm.plan);
  return arm;
}

/// The position of the median of `heat`; ties and even counts: the lower.
std::size_t median_position(const std::vector<double>& heat) {
  std::vector<std::size_t> order(heat.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return heat[a] < heat[b]; });
  return order[(order.size() - 1) / 2];
}

std::vector<LabArm> lab_arms(const TrainingRun& run) {
  std::vector<LabArm> arms;
  const auto& evaluation = *run.evaluation;
  std::vector<double> heat;
  for (std::int64_t b = 0; b < evaluation.load.steps; ++b) {
    heat.push_back(max_over_mean(evaluation.load.at(b, 0)));
  }
  BatchBuffer buffer;
  BatchBuffer even;
  const auto batch =
      evaluation.trace->read(static_cast<std::int64_t>(median_position(heat)), 0, buffer);
  arms.push_back(planned(std::string(kLayerArm), batch));
  arms.push_back(planned(std::string(kBalancedArm), fill_balanced(batch, run.config.seed, even)));

  heat.clear();
  for (const auto& step : run.record.steps) heat.push_back(step.max_over_mean);
  const auto hottest =
      static_cast<std::size_t>(std::max_element(heat.begin(), heat.end()) - heat.begin());
  const auto experts = static_cast<std::size_t>(run.record.num_experts);
  for (const auto& [name, step] :
       {std::pair{"median step", median_position(heat)}, std::pair{"hottest step", hottest}}) {
    BatchBuffer dealt;
    const std::span load(run.record.load.data() + step * experts, experts);
    arms.push_back(planned(name, deal_loads(load, run.config.tokens, batch.slots, dealt)));
  }
  return arms;
}

/// Linear between knots, constant beyond the outermost.
double interpolate(const std::vector<Knot>& knots, double x, double (*value)(const Knot&)) {
  if (x <= knots.front().max_over_mean) return value(knots.front());
  for (std::size_t i = 1; i < knots.size(); ++i) {
    const auto& a = knots[i - 1];
    const auto& b = knots[i];
    if (x > b.max_over_mean || b.max_over_mean <= a.max_over_mean) continue;
    const double share = (x - a.max_over_mean) / (b.max_over_mean - a.max_over_mean);
    return value(a) + share * (value(b) - value(a));
  }
  return value(knots.back());
}

/// Adds train.wall_s@kernel, and the time up to the end of each part of a curve to `curve`.
void add_wall_time(const TrainingRun& run, std::vector<Knot> knots, const std::string& kernel,
                   Series& curve, PointResult& result) {
  std::stable_sort(knots.begin(), knots.end(),
                   [](const Knot& a, const Knot& b) { return a.max_over_mean < b.max_over_mean; });
  Measurement total{"train.wall_s@" + kernel, 0, Provenance::kModelled};
  Interval bounds;
  std::int64_t step = 0;
  for (const std::int64_t end : curve_steps(run.record.size())) {
    for (; step < end; ++step) {
      const double x = run.record.steps[static_cast<std::size_t>(step)].max_over_mean;
      total.value += interpolate(knots, x, [](const Knot& knot) { return knot.time_s; });
      bounds.low += interpolate(knots, x, [](const Knot& knot) { return knot.ci95.low; });
      bounds.high += interpolate(knots, x, [](const Knot& knot) { return knot.ci95.high; });
    }
    curve.values.push_back(total.value);
  }
  total.ci95 = bounds;
  result.measurements.push_back(std::move(total));
  ++curve.shape[0];
}

/// Loads, runs and checks every arm; false, with the point failed, where a result is wrong.
bool check_arms(const PointSpec& spec, const std::vector<LabArm>& arms, PreparedLayer& layer,
                PointResult& result) {
  for (const auto& arm : arms) {
    const int handle = layer.load(arm.plan);
    layer.run(handle);
    int bad_expert = -1;
    const double error = layer.verify(handle, bad_expert);
    if (error <= error_tolerance(spec.shape.dtype)) continue;
    result.outcome = Outcome::kFailed;
    result.reason = wrong_kernel_text(spec, fmt::format("of the {} ", arm.name), error, bad_expert,
                                      "it was not timed");
    return false;
  }
  return true;
}

MeasureResult measure_arms(const PointSpec& spec, const std::vector<LabArm>& arms,
                           PreparedLayer& layer, TimingGate& gate) {
  std::vector<Arm> timed;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const int handle = static_cast<int>(i);
    timed.push_back({arms[i].name, [&layer, handle] { return layer.run(handle); }});
  }
  MeasureOptions options;
  options.min_samples = spec.measure.min_samples;
  options.time_budget_s = spec.measure.budget_s;
  options.warmup_time_share = 1;
  options.target_relative_half_width = spec.measure.precision;
  SteadyClock clock;
  const TimingGate::Timer alone(gate);
  return measure(timed, options, clock);
}

void add_layer_metrics(const MeasureResult& measured, Provenance provenance,
                       const std::string& kernel, PointResult& result) {
  for (auto& measurement : to_measurements(measured, provenance)) {
    const auto& name = measurement.metric;
    if (name != "layer.total_s" && name != "layer.balanced_total_s" &&
        name != "layer.imbalance_tax") {
      continue;
    }
    measurement.metric += "@" + kernel;
    result.measurements.push_back(std::move(measurement));
  }
  for (const auto& warning : measured.warnings) {
    result.warnings.push_back(fmt::format("{}: {}", kernel, warning.text));
  }
}

}  // namespace

LabTiming make_lab_timing(const Scenario& scenario, BackendPool& pool) {
  LabTiming timing;
  AxisChoice choice;
  for (const auto& axis : axes()) {
    const auto values = scenario.values(axis);
    choice[axis.name] =
        axis.scope == AxisScope::kRun ? values.front() : std::string(axis.default_value);
    if (axis.scope == AxisScope::kRun && axis.name != "kernel" && values.size() > 1) {
      throw UsageError(
          fmt::format("{}: train takes one value, not {}; it times every trained layer alike",
                      axis.name, values.size()));
    }
  }
  timing.base = make_point_spec(choice);
  if (timing.base.backend == "none") return timing;
  if (timing.base.backend == "model") {
    throw UsageError("train times real kernels; backend 'model' only prices them: use cpu or cuda");
  }
  timing.base.backend = pool.resolve(timing.base.backend);
  auto& backend = pool.get(timing.base.backend, timing.base.threads);
  timing.kernels = scenario.values(find_axis("kernel"));
  std::sort(timing.kernels.begin(), timing.kernels.end());
  for (const auto& kernel : timing.kernels) (void)backend.unsupported(timing.base.shape, kernel);
  return timing;
}

RoutingBatch deal_loads(std::span<const std::int64_t> load, std::int64_t tokens, int slots,
                        BatchBuffer& buffer) {
  RoutingBatch batch;
  batch.tokens = tokens;
  batch.slots = slots;
  batch.num_experts = static_cast<int>(load.size());
  buffer.topk_ids.assign(static_cast<std::size_t>(tokens * slots), kAbsent);
  std::int64_t dealt = 0;  // the d-th assignment is token d % tokens, slot d / tokens
  for (std::size_t expert = 0; expert < load.size(); ++expert) {
    for (std::int64_t i = 0; i < load[expert]; ++i, ++dealt) {
      buffer.topk_ids[static_cast<std::size_t>(dealt % tokens * slots + dealt / tokens)] =
          static_cast<StoredExpert>(expert);
    }
  }
  batch.topk_ids = buffer.topk_ids;
  return batch;
}

namespace {

/// Times one kernel of the trained layer. @return false: it is wrong, and the point failed
bool time_kernel(const PointSpec& spec, const TrainingRun& run, const std::vector<LabArm>& arms,
                 LayerBackend& backend, BackendPool& pool, TimingGate& gate, Series& curve,
                 PointResult& result) {
  PreparedLayer& layer = pool.prepare(backend, spec, spec.shape, spec.shape.num_experts);
  layer.unload();
  if (!check_arms(spec, arms, layer, result)) return false;
  const auto measured = measure_arms(spec, arms, layer, gate);
  add_layer_metrics(measured, backend.info().provenance, spec.kernel, result);
  std::vector<Knot> knots;
  for (const auto& arm : arms) {
    const auto samples = totals_s(*measured.find(arm.name));
    const double time_s = median(samples);
    knots.push_back(
        {arm.max_over_mean, time_s, median_interval(samples).value_or(Interval{time_s, time_s})});
  }
  add_wall_time(run, std::move(knots), spec.kernel, curve, result);
  return true;
}

/// Why a kernel is not timed; "" when nothing is known against it.
std::string obstacle(const PointSpec& spec, const LayerBackend& backend, const BackendPool& pool) {
  if (!pool.lost().empty()) return pool.lost();
  return backend.unsupported(spec.shape, spec.kernel).value_or("");
}

}  // namespace

void time_trained_layer(const LabTiming& timing, const TrainingRun& run, BackendPool& pool,
                        TimingGate& gate, PointResult& result) {
  if (!run.evaluation || timing.kernels.empty()) return;
  PointSpec spec = timing.base;
  spec.shape.num_experts = run.config.num_experts;
  spec.shape.top_k = run.config.top_k;
  spec.shape.d_model = run.config.d_model;
  spec.shape.d_ff = run.config.d_ff;
  spec.shape.activation = run.config.activation;
  LayerBackend& backend = pool.get(spec.backend, spec.threads);
  const auto arms = lab_arms(run);
  Series curve;
  curve.metric = "curve.wall_s";
  curve.unit = "s";
  curve.provenance = Provenance::kModelled;
  curve.dims = {"kernel", "step"};
  curve.shape = {0, static_cast<std::int64_t>(curve_steps(run.record.size()).size())};
  for (const auto& kernel : timing.kernels) {
    spec.kernel = kernel;
    auto reason = obstacle(spec, backend, pool);
    try {
      if (reason.empty() && !time_kernel(spec, run, arms, backend, pool, gate, curve, result))
        return;
    } catch (const DeviceError& error) {  // the trained router must not be lost with the device
      pool.ask_whether_lost(backend);
      pool.forget();
      reason = error.what();
    } catch (const PluginError& error) {  // nor with somebody's kernel
      pool.forget();
      reason = error.what();
    }
    if (!reason.empty())
      result.warnings.push_back(fmt::format("{}{}{}", kernel, kNotTimed, reason));
  }
  if (curve.shape[0] > 0) result.series.push_back(std::move(curve));
}

}  // namespace hotexpert
