#include "scenarios/runner/timed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "profiler/layer_measurements.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/traces/controls.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

/// The flat index of the batch that measure.batch names.
std::int64_t chosen_batch(const PointSpec& spec, const Counted& counted) {
  const std::int64_t count = counted.range.count();
  if (spec.measure.batch != "median" && spec.measure.batch != "hottest") {
    const std::int64_t index = parse_integer(spec.measure.batch, "measure.batch");
    if (index >= count) {
      throw UsageError(
          fmt::format("measure.batch: the trace has batches 0 to {}, not {}", count - 1, index));
    }
    return index;
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::vector<double> heat;
  for (std::int64_t i = 0; i < count; ++i) {
    heat.push_back(max_over_mean(
        counted.load.at(i / counted.range.layers, static_cast<int>(i % counted.range.layers))));
  }
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return heat[static_cast<std::size_t>(a)] < heat[static_cast<std::size_t>(b)];
  });
  return spec.measure.batch == "hottest" ? order.back()
                                         : order[static_cast<std::size_t>((count - 1) / 2)];
}

/// One arm of the comparison: its name and its plan.
struct PlannedArm {
  std::string_view name;
  DispatchPlan plan;
};

Series load_series(std::string_view name, const DispatchPlan& plan,
                   const ExpertPlacement& placement) {
  Series series;
  series.metric = fmt::format("load.{}_batch", name == kLayerArm ? "measured" : name);
  series.unit = "count";
  series.dims = {"expert"};
  series.shape = {placement.num_experts()};
  series.values.assign(static_cast<std::size_t>(placement.num_experts()), 0.0);
  const auto logical = placement.physical_to_logical();
  for (int p = 0; p < plan.num_physical; ++p) {
    series.values[static_cast<std::size_t>(index(logical[static_cast<std::size_t>(p)]))] +=
        static_cast<double>(plan.rows(p));
  }
  return series;
}

std::vector<PlannedArm> plan_arms(const PointSpec& spec, const RoutingTrace& trace,
                                  const ExpertPlacement& placement, const Counted& counted) {
  const std::int64_t chosen = chosen_batch(spec, counted);
  BatchBuffer buffer;
  const RoutingBatch batch =
      trace.read(counted.range.step(chosen), counted.range.layer(chosen), buffer);
  std::vector<PlannedArm> arms;
  arms.push_back({kLayerArm, plan_dispatch(batch, placement, spec.capacity)});
  const auto& control = spec.measure.control;
  if (control == "balanced" || control == "both") {
    BatchBuffer even;
    arms.push_back({kBalancedArm, plan_dispatch(fill_balanced(batch, spec.trace.seed, even),
                                                placement, spec.capacity)});
  }
  if (control == "uniform" || control == "both") {
    SyntheticSpec uniform;
    uniform.num_experts = batch.num_experts;
    uniform.top_k = batch.slots;
    uniform.layers = 1;
    uniform.tokens = batch.tokens;
    uniform.steps = 1;
    uniform.model = "uniform";
    uniform.weights = !batch.topk_weights.empty();
    uniform.seed = spec.trace.seed;
    uniform.threads = 1;
    BatchBuffer drawn;
    arms.push_back({kUniformArm, plan_dispatch(make_synthetic_trace(uniform)->read(0, 0, drawn),
                                               placement, spec.capacity)});
  }
  for (const auto& arm : arms) check_invariants(arm.plan);
  return arms;
}

void add(PointResult& result, std::string metric, double value, Provenance provenance) {
  result.measurements.push_back({std::move(metric), value, provenance});
}

/// Rows computed and the useful rate, from the timed arm.
void add_row_metrics(const PointSpec& spec, const DispatchPlan& plan, std::int64_t computed,
                     PointResult& result) {
  const auto useful =
      static_cast<double>(plan.rows() + plan.tokens * spec.shape.num_shared_experts);
  add(result, "rows.computed", static_cast<double>(computed), Provenance::kCounted);
  add(result, "rows.padding_fraction",
      computed > 0 ? std::max(0.0, 1.0 - useful / static_cast<double>(computed)) : 0.0,
      Provenance::kCounted);
  const auto* ffn = result.find("layer.expert_ffn_s");
  if (ffn == nullptr || !(ffn->value > 0)) return;
  Measurement rate{"kernel.flops_per_s", 0, ffn->provenance};
  const double flops = flops_per_expert(spec.shape, 1) * useful;
  rate.value = flops / ffn->value;
  if (ffn->ci95 && ffn->ci95->low > 0)
    rate.ci95 = Interval{flops / ffn->ci95->high, flops / ffn->ci95->low};
  result.measurements.push_back(rate);
}

}  // namespace

double error_tolerance(DataType dtype) { return dtype == DataType::kFp32 ? 5e-6 : 5e-3; }

std::string BackendPool::resolve(const std::string& name) {
  if (name != "auto") return name;
  for (const auto& row : layer_backends()) {
    if (row.name == "cuda" && row.make(0)->info().unavailable.empty()) return "cuda";
  }
  return "cpu";
}

LayerBackend& BackendPool::get(const std::string& name, int threads) {
  auto& backend = backends_[fmt::format("{}/{}", name, threads)];
  if (!backend) {
    backend = find_row(layer_backends(), "backend", name)
                  .make(threads > 0 ? threads : available_threads());
    const auto info = backend->info();
    if (!info.unavailable.empty())
      throw DeviceError(fmt::format("backend '{}': {}", name, info.unavailable));
  }
  return *backend;
}

PreparedLayer& BackendPool::prepare(LayerBackend& backend, const PointSpec& spec,
                                    int num_physical) {
  const auto& s = spec.shape;
  const std::string key =
      fmt::format("{}/{}/{}/{}/{}/{}/{}/{}/{}/{}/{}", spec.backend, spec.threads, spec.kernel,
                  num_physical, s.num_experts, s.d_model, s.d_ff, s.num_shared_experts,
                  name(s.activation), name(s.dtype), spec.trace.seed);
  if (!prepared_ || key != prepared_key_) {
    prepared_.reset();  // frees the old weights first
    prepared_ = backend.prepare(spec.shape, spec.kernel, num_physical, spec.trace.seed);
    prepared_key_ = key;
  }
  return *prepared_;
}

void time_point(const PointSpec& spec, const RoutingTrace& trace, const ExpertPlacement& placement,
                const Counted& counted, BackendPool& pool, PointResult& result) {
  LayerBackend& backend = pool.get(spec.backend, spec.threads);
  if (const auto reason = backend.unsupported(spec.shape, spec.kernel)) {
    result.outcome = Outcome::kSkipped;
    result.reason = *reason;
    return;
  }
  const auto planned = plan_arms(spec, trace, placement, counted);
  PreparedLayer& layer = pool.prepare(backend, spec, placement.num_physical());

  layer.unload();
  std::vector<Arm> arms;
  double worst_error = 0;
  for (const auto& arm : planned) {
    const int handle = layer.load(arm.plan);
    layer.run(handle);
    int bad_expert = -1;
    const double error = layer.verify(handle, bad_expert);
    if (!(error <= error_tolerance(spec.shape.dtype))) {
      result.outcome = Outcome::kFailed;
      result.reason = fmt::format(
          "kernel '{}' is wrong: expert {} of the {} batch differs from fp64 by {:.2e} relative, "
          "more than {:.0e}; it was not timed",
          spec.kernel, bad_expert, arm.name, error, error_tolerance(spec.shape.dtype));
      return;
    }
    worst_error = std::max(worst_error, error);
    arms.push_back({std::string(arm.name), [&layer, handle] { return layer.run(handle); }});
    result.series.push_back(load_series(arm.name, arm.plan, placement));
  }
  add(result, "kernel.max_relative_error", worst_error, Provenance::kCounted);

  MeasureOptions options;
  options.min_samples = spec.measure.min_samples;
  options.time_budget_s = spec.measure.budget_s;
  options.warmup_time_share = 1;  // a short budget must still reach a steady state
  options.target_relative_half_width = spec.measure.precision;
  SteadyClock clock;
  const MeasureResult measured = measure(arms, options, clock);
  for (auto& measurement : to_measurements(measured, backend.info().provenance))
    result.measurements.push_back(std::move(measurement));
  for (const auto& warning : measured.warnings) result.warnings.push_back(warning.text);
  add_row_metrics(spec, planned.front().plan, layer.computed_rows(0), result);
}

}  // namespace hotexpert
