#include "scenarios/runner/profile_point.hpp"

#include <fmt/format.h>

#include "kernels/plugin/expert_plugin.hpp"
#include "profiler/environment.hpp"
#include "profiler/external_profiler.hpp"
#include "profiler/layer_measurements.hpp"
#include "scenarios/runner/profile_parts.hpp"
#include "scenarios/runner/timed_ranks.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

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

double flops_of(const PointSpec& spec, const DispatchPlan& plan) {
  return forward_flops_multiple(spec.pass) *
         flops_per_expert(spec.shape, plan.rows() + plan.tokens * spec.shape.num_shared_experts);
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
  BackendPool pool;
  spec.backend = pool.resolve(spec.backend == "none" ? "auto" : spec.backend);
  LayerBackend& backend = pool.get(spec.backend, spec.threads, "", spec.pass);
  const bool several = spec.parallel.ranks > 1;
  const LayerShape held = several ? shape_of_rank(spec.shape, point.placements.of(0)) : spec.shape;
  if (const auto reason = backend.unsupported(held, spec.kernel)) throw UsageError(*reason);
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

  const auto external = external_profiler();
  const bool once = options.once || external;
  if (external)
    profile.remarks.push_back(fmt::format(
        "{} watches this process: one pass runs, without control passes and without CUPTI of our "
        "own.",
        name(*external)));
  if (several) {
    profile_ranks(point, backend, pool, once, options, profile);
    if (profile.profiled && profile.layer.untraced.empty())
      profile.doubts = ledger_doubts(profile.layer, load_at_start);
    if (profile.profiled) profile_metrics(profile, profile.result);
    return profile;
  }

  PreparedLayer& layer = pool.prepare(backend, spec, spec.shape, plan.num_physical);
  layer.unload();
  const auto load = [&](const DispatchPlan& one) {
    return ProfileArm{layer.load(one),
                      payload_of(one, point.arms[0].layer, spec.kernel, spec.capacity)};
  };

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
  profile.slowest_stage = slowest_stage(steps.untraced.samples);
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
