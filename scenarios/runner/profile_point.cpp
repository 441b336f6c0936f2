#include "scenarios/runner/profile_point.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernels/plugin/expert_plugin.hpp"
#include "profiler/environment.hpp"
#include "profiler/external_profiler.hpp"
#include "profiler/layer_measurements.hpp"
#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/counted.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/base/errors.hpp"
#include "sim/routing/plan_dispatch.hpp"

namespace hotexpert {
namespace {

/// A point as far as it goes without a backend.
struct PlannedPoint {
  PointSpec spec;
  PointResult result;
  std::vector<PlannedArm> arms;  ///< measured, balanced
};

PlannedPoint plan_point(const AxisChoice& choice, int threads) {
  PlannedPoint point;
  point.spec = make_point_spec(choice);
  point.spec.measure.control = "balanced";
  if (point.spec.parallel.ranks > 1)
    throw UsageError(fmt::format(
        "profile looks into the layer of one rank; set --ep.ranks 1, not {} (`hotexpert "
        "sweep` times ranks, and its report draws their timeline)",
        point.spec.parallel.ranks));
  const int jobs = threads > 0 ? threads : available_threads();
  TraceCache traces(jobs);
  const auto trace = traces.open(point.spec.trace);
  resolve_shape(point.spec, trace->info());
  const auto placements = place_experts(point.spec, *trace, jobs);
  const RoutingFields fields{.weights = trace->info().has_weights,
                             .scores = trace->info().has_scores};
  if (const auto reason = DispatchPlanner(point.spec.capacity)
                              .unsupported(fields, point.spec.shape.top_k, placements.of(0)))
    throw UsageError(*reason);
  const Counted counted = count_point(point.spec, *trace, placements, jobs, point.result);
  point.arms = plan_arms(point.spec, *trace, placements, counted);
  return point;
}

std::vector<std::int64_t> rows_by_expert(const DispatchPlan& plan) {
  std::vector<std::int64_t> rows;
  for (int p = 0; p < plan.num_physical; ++p) rows.push_back(plan.rows(p));
  return rows;
}

/// Runs a loaded plan once and compares every expert with fp64.
void check_output(PreparedLayer& layer, int handle, const PointSpec& spec) {
  layer.run(handle);
  int bad_expert = -1;
  const double error = layer.verify(handle, bad_expert);
  if (error <= error_tolerance(spec.shape.dtype)) return;
  throw Error(ExitCode::kPointsFailed,
              wrong_kernel_text(spec, "", error, bad_expert, "it was not profiled"));
}

RangeName slowest_stage(const ProfiledSteps& steps) {
  struct Stage {
    RangeName range;
    std::optional<double> PhaseTimes::*phase;
  };
  constexpr std::array kStages = {Stage{RangeName::kRoute, &PhaseTimes::route_s},
                                  Stage{RangeName::kPermute, &PhaseTimes::permute_s},
                                  Stage{RangeName::kAllToAll, &PhaseTimes::all_to_all_s},
                                  Stage{RangeName::kExpert, &PhaseTimes::expert_ffn_s},
                                  Stage{RangeName::kCombine, &PhaseTimes::combine_s}};
  RangeName slowest = RangeName::kExpert;
  double longest_s = 0;
  for (const auto& stage : kStages) {
    std::vector<double> seconds;
    for (const auto& sample : steps.untraced.samples)
      seconds.push_back((sample.*stage.phase).value_or(0));
    const double middle_s = median(seconds);
    if (middle_s > longest_s) slowest = stage.range;
    longest_s = std::max(longest_s, middle_s);
  }
  return slowest;
}

/// Watches one pass through CUPTI where kernels are launched on a device.
ProfiledRun watch(PreparedLayer& layer, const ProfileArm& arm,
                  std::optional<ExternalProfiler> external, ProfileLevel level, int pairs) {
  if (layer.launches(arm.handle) == 0) {
    ProfiledRun nothing;
    nothing.wanted = level;
    nothing.reasons = {
        "Kernels of this backend run on the host: there is no device activity for CUPTI to record, "
        "and tiles come from the worker threads."};
    return nothing;
  }
  const WatchedPass pass{
      [&] { return run_step(layer, arm.handle, arm.payload); }, layer.launches(arm.handle),
      [&](StageObserver& observer) { run_staged_step(layer, arm.handle, arm.payload, observer); }};
  return profile_run(open_cupti(), external, level, pass, pairs);
}

void remark_on(const LayerProfile& layer, std::vector<std::string>& remarks) {
  if (!layer.untraced.empty()) {
    remarks.push_back(layer.untraced + " There is no timeline and no ledger.");
    return;
  }
  for (const auto& fault : layer.faults)
    remarks.push_back("The tile records are unsound: " + fault);
  if (layer.outliers > 0)
    remarks.push_back(
        fmt::format("{} of {} pairs of passes were outliers and are not in the ledger.",
                    layer.outliers, layer.outliers + layer.pairs.size()));
  if (layer.untiled_fraction > 0.01)
    remarks.push_back(fmt::format(
        "The tiles span {:.1f} % less than the expert phase: starting and joining the workers "
        "weighs in so short a phase. Take more tokens.",
        100 * layer.untiled_fraction));
}

double flops_of(const PointSpec& spec, const DispatchPlan& plan) {
  return flops_per_expert(spec.shape, plan.rows() + plan.tokens * spec.shape.num_shared_experts);
}

}  // namespace

PlannedBatch planned_batch(const AxisChoice& choice, int threads) {
  auto point = plan_point(choice, threads);
  const auto& plan = point.arms.front().plan;
  PlannedBatch batch;
  batch.expert_rows = rows_by_expert(plan);
  batch.expert_flops = flops_of(point.spec, plan);
  batch.dtype = point.spec.shape.dtype;
  batch.result = std::move(point.result);
  batch.result.point = to_point(point.spec);
  return batch;
}

PointProfile profile_point(const AxisChoice& choice, const ProfileOptions& options) {
  const AnnotatedRange range(RangeName::kPoint);
  const MachineLoad load_at_start = machine_load(environment_record());
  auto point = plan_point(choice, options.threads);
  auto& spec = point.spec;
  if (spec.pass != LayerPass::kForward)
    throw UsageError(fmt::format(
        "layer.pass: profile shows the tiles of the forward pass, not of '{}' (use --layer.pass "
        "forward; a sweep times the others)",
        name(spec.pass)));
  BackendPool pool;
  spec.backend = pool.resolve(spec.backend == "none" ? "auto" : spec.backend);
  LayerBackend& backend = pool.get(spec.backend, spec.threads);
  if (const auto reason = backend.unsupported(spec.shape, spec.kernel)) throw UsageError(*reason);
  if (backend.info().provenance == Provenance::kModelled)
    throw UsageError(
        fmt::format("backend '{}' computes its times: there are no passes to profile (use "
                    "--backend cpu or cuda)",
                    spec.backend));

  PointProfile profile;
  profile.result = std::move(point.result);
  profile.result.point = to_point(spec);
  profile.kernel = kernel_label(spec.kernel);
  profile.backend = spec.backend;
  profile.device = backend.info().device;
  const auto& plan = point.arms[0].plan;
  profile.expert_rows = rows_by_expert(plan);
  profile.expert_flops = flops_of(spec, plan);
  profile.dtype = spec.shape.dtype;

  PreparedLayer& layer = pool.prepare(backend, spec, spec.shape, plan.num_physical);
  layer.unload();
  const auto load = [&](const DispatchPlan& one) {
    return ProfileArm{layer.load(one),
                      payload_of(one, point.arms[0].layer, spec.kernel, spec.capacity)};
  };
  const auto external = external_profiler();
  const bool once = options.once || external;
  if (external)
    profile.remarks.push_back(fmt::format(
        "{} watches this process: one pass runs, without control passes and without CUPTI of our "
        "own.",
        name(*external)));

  ProfileArms arms;
  arms.measured = load(plan);
  if (once) {
    layer.run(arms.measured.handle);  // warm-up
    if (auto reason = backend.start_capture(); !reason.empty())
      profile.remarks.push_back(std::move(reason));
    NoStageObserver ranges_only;
    run_staged_step(layer, arms.measured.handle, arms.measured.payload, ranges_only);
    backend.stop_capture();
    profile.steps = 1;
    return profile;
  }

  arms.control = load(point.arms[1].plan);
  arms.relabelled = load(relabel_by_heat(plan));
  for (const auto* arm : {&arms.measured, &arms.control, &arms.relabelled})
    check_output(layer, arm->handle, spec);  // the warm-up too
  options.before_passes();
  (void)backend.start_capture();  // nobody watches from outside, so no reason is owed
  const auto steps = run_profile_steps(layer, arms, options.steps);
  backend.stop_capture();

  profile.profiled = true;
  profile.steps = options.steps;
  profile.layer = profile_of(steps);
  if (profile.layer.untraced.empty()) profile.doubts = ledger_doubts(profile.layer, load_at_start);
  profile.shown = steps.measured[profile.layer.shown];
  profile.slowest_stage = slowest_stage(steps);
  profile.cupti = watch(layer, arms.measured, external, options.level, options.steps);
  remark_on(profile.layer, profile.remarks);
  for (auto& warning : profile_warnings(profile.cupti))
    profile.remarks.push_back(std::move(warning));
  if (profile.layer.untraced.empty() && profile.layer.resolved())
    profile.reruns =
        rerun_without_causes(spec, backend, layer, arms, plan, point.arms[1].plan, profile.layer);
  profile_metrics(profile, profile.result);
  return profile;
}

}  // namespace hotexpert
