#include <fmt/format.h>

#include <algorithm>

#include "profiler/layer_measurements.hpp"
#include "profiler/virtual_ranks.hpp"
#include "scenarios/runner/profile_parts.hpp"
#include "scenarios/runner/rank_exchange.hpp"
#include "scenarios/runner/timed_ranks.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

/// An arm loaded into the ranks, with the time its rows are on their way.
struct RankArm {
  int handle = 0;
  ModelledExchange exchange;
};

RankedPass traced_step(VirtualRanks& ranks, const RankArm& arm) {
  return {ranks.run_traced(arm.handle), arm.exchange.dispatch_s, arm.exchange.return_s};
}

void check_ranks(VirtualRanks& ranks, const RankArm& arm, const PointSpec& spec) {
  ranks.run(arm.handle);  // the warm-up too
  int bad_expert = -1;
  const auto budget = static_cast<std::int64_t>(kRankVerifyFlops / flops_per_expert(spec.shape, 1));
  const double error = ranks.verify(arm.handle, budget, bad_expert);
  if (error <= error_tolerance(spec.shape.dtype)) return;
  throw Error(ExitCode::kPointsFailed,
              wrong_kernel_text(spec, "", error, bad_expert, "it was not profiled"));
}

/// Every other step in reverse, so that a drift falls on all arms alike.
RankedSteps run_steps(VirtualRanks& ranks, const RankArm& measured, const RankArm& control,
                      const RankArm& relabelled, int steps, std::vector<PhaseTimes>& untraced) {
  RankedSteps result;
  for (int step = 0; step < steps; ++step) {
    const bool forward = step % 2 == 0;
    if (forward) untraced.push_back(ranks.run(measured.handle));
    if (!forward) {
      result.relabelled.push_back(traced_step(ranks, relabelled));
      result.control.push_back(traced_step(ranks, control));
    }
    result.measured.push_back(traced_step(ranks, measured));
    if (forward) {
      result.control.push_back(traced_step(ranks, control));
      result.relabelled.push_back(traced_step(ranks, relabelled));
    }
    if (!forward) untraced.push_back(ranks.run(measured.handle));
    result.untraced_s.push_back(untraced.back().total_s);
  }
  return result;
}

/// What a sweep stores of its ranks, of the shown step.
void add_rank_metrics(const PlannedArm& arm, const RankedPass& step, PointResult& result) {
  std::vector<double> total_s;
  std::vector<double> ffn_s;
  for (const auto& rank : step.ranks) {
    total_s.push_back(rank.times.total_s);
    ffn_s.push_back(rank.times.expert_ffn_s.value_or(0));
  }
  const auto add = [&](const char* metric, const char* unit, Provenance provenance,
                       std::vector<double> values) {
    result.series.push_back(series_along("rank", metric, unit, provenance, std::move(values)));
  };
  add("rank_total_s", "s", Provenance::kMeasured, std::move(total_s));
  add("rank_ffn_s", "s", Provenance::kMeasured, std::move(ffn_s));
  add("rank_rows", "count", Provenance::kCounted, rows_of_ranks(arm.plan));
  add("rank_dispatch_s", "s", Provenance::kModelled, step.dispatch_s);
  add("rank_return_s", "s", Provenance::kModelled, step.return_s);
  add_straggler(arm, step.straggler(), Provenance::kMeasured, result);
}

}  // namespace

void profile_ranks(const PlannedPoint& point, LayerBackend& backend, BackendPool& pool, bool once,
                   const ProfileOptions& options, PointProfile& profile) {
  const PointSpec& spec = point.spec;
  LayerShape part = shape_of_rank(spec.shape, point.placements.of(0));
  std::vector<PreparedLayer*> fresh;
  const auto layer_of = [&](int num_physical) -> PreparedLayer& {
    part.num_experts = num_physical;
    PreparedLayer& layer = pool.prepare(backend, spec, part, num_physical);
    if (std::ranges::find(fresh, &layer) == fresh.end()) {
      layer.unload();
      fresh.push_back(&layer);
    }
    return layer;
  };
  VirtualRanks ranks(layer_of, spec.shape.num_shared_experts, {}, EqualLoads::kRunApart);
  const auto load = [&](const PlannedArm& arm, const DispatchPlan& plan) {
    const int handle = ranks.load(plan, arm.owned_tokens, [&](const DispatchPlan& local) {
      auto payload = payload_of(local, arm.layer, spec.kernel, spec.capacity);
      payload.tokens = plan.tokens;  // of the step, not of this rank
      return payload;
    });
    return RankArm{handle, model_exchange(arm, point.placements, spec.shape)};
  };
  const PlannedArm& arm = point.arms[0];
  const RankArm measured = load(arm, arm.plan);
  if (once) {
    ranks.run(measured.handle);  // warm-up
    if (auto reason = backend.start_capture(); !reason.empty())
      profile.remarks.push_back(std::move(reason));
    NoStageObserver ranges_only;
    ranks.run_staged(measured.handle, ranges_only);
    backend.stop_capture();
    profile.steps = 1;
    return;
  }
  const RankArm control = load(point.arms[1], point.arms[1].plan);
  const RankArm relabelled = load(arm, relabel_by_heat(arm.plan));
  for (const auto* one : {&measured, &control, &relabelled}) check_ranks(ranks, *one, spec);
  options.before_passes();
  std::vector<PhaseTimes> untraced;
  auto steps = run_steps(ranks, measured, control, relabelled, options.steps, untraced);

  profile.profiled = true;
  profile.steps = options.steps;
  profile.layer = profile_of(steps);
  profile.ranks = std::move(steps.measured[profile.layer.shown]);
  profile.shown = profile.ranks.ranks[static_cast<std::size_t>(profile.ranks.straggler())];
  profile.slowest_stage = slowest_stage(untraced);
  profile.cupti.wanted = options.level;
  profile.cupti.reasons = {
      "Ranks run one after another: CUPTI watches a single rank's layer only."};
  profile.remarks.push_back(fmt::format(
      "The {} ranks ran one after another on this device; the times of their exchange are those of "
      "network model '{}'.",
      profile.ranks.ranks.size(), point.placements.network.name));
  remark_on(profile.layer, profile.remarks);
  for (auto& warning : profile_warnings(profile.cupti))
    profile.remarks.push_back(std::move(warning));
  add_rank_metrics(arm, profile.ranks, profile.result);
}

}  // namespace hotexpert
