#include "scenarios/runner/arms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "kernels/plugin/expert_plugin.hpp"
#include "profiler/layer_measurements.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/model/node_tokens.hpp"
#include "sim/placement/placement_method.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/routing/rank_plan.hpp"
#include "sim/routing/send_rows.hpp"
#include "sim/traces/controls.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

/// The flat index of the batch that measure.batch names, among the scored steps.
std::int64_t chosen_batch(const PointSpec& spec, const Placements& placements,
                          const Counted& counted) {
  const std::int64_t count = counted.range.count();
  const std::int64_t first = placements.window * counted.range.layers;
  if (spec.measure.batch != "median" && spec.measure.batch != "hottest") {
    const std::int64_t index = parse_integer(spec.measure.batch, "measure.batch");
    if (index >= count) {
      throw UsageError(
          fmt::format("measure.batch: the trace has batches 0 to {}, not {}", count - 1, index));
    }
    if (index < first) {
      throw UsageError(fmt::format(
          "measure.batch: batch {} is in the {} steps that placements were planned on; choose {} "
          "to {}",
          index, placements.window, first, count - 1));
    }
    return index;
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(count - first));
  std::iota(order.begin(), order.end(), first);
  std::vector<double> heat;
  for (std::int64_t i = 0; i < count; ++i) {
    heat.push_back(max_over_mean(
        counted.load.at(i / counted.range.layers, static_cast<int>(i % counted.range.layers))));
  }
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return heat[static_cast<std::size_t>(a)] < heat[static_cast<std::size_t>(b)];
  });
  return spec.measure.batch == "hottest" ? order.back() : order[(order.size() - 1) / 2];
}

/// Where a control's experts live: equal loads on equal ranks.
ExpertPlacement control_placement(const Placements& placements, int experts) {
  if (placements.target.ranks <= experts)
    return ExpertPlacement::contiguous(experts, placements.target.ranks);
  const std::vector<double> nothing(static_cast<std::size_t>(experts), 0.0);
  return PlacementMethod::parse("contiguous")
      .place({.load = nothing, .target = placements.target})
      .placement;
}

PlannedArm plan_arm(std::string_view name, const PointSpec& spec, const RoutingBatch& batch,
                    const Placements& placements, ExpertPlacement placement) {
  DispatchPlan plan = plan_dispatch(batch, placement, spec.capacity);
  check_invariants(plan);
  const int ranks = placement.num_ranks();
  PlannedArm arm{name, std::move(plan), owned_tokens(batch, ranks), {}, {}, std::move(placement)};
  if (ranks == 1) return arm;
  for (std::int64_t token = 0; token < batch.tokens; ++token)
    arm.source_rank.push_back(source_rank(batch, ranks, token));
  if (placements.network.token_once_a_node) {
    arm.node_tokens =
        count_node_tokens(arm.plan, placements.network.ranks_per_node, arm.source_rank);
  }
  return arm;
}

}  // namespace

Series arm_load_series(const PlannedArm& arm) {
  Series series;
  series.metric = fmt::format("load.{}_batch", arm.name == kLayerArm ? "measured" : arm.name);
  series.unit = "count";
  series.dims = {"expert"};
  series.shape = {arm.placement.num_experts()};
  series.values.assign(static_cast<std::size_t>(arm.placement.num_experts()), 0.0);
  const auto logical = arm.placement.physical_to_logical();
  for (int p = 0; p < arm.plan.num_physical; ++p) {
    series.values[static_cast<std::size_t>(index(logical[static_cast<std::size_t>(p)]))] +=
        static_cast<double>(arm.plan.rows(p));
  }
  return series;
}

std::vector<PlannedArm> plan_arms(const PointSpec& spec, const RoutingTrace& trace,
                                  const Placements& placements, const Counted& counted) {
  const std::int64_t chosen = chosen_batch(spec, placements, counted);
  BatchBuffer buffer;
  const RoutingBatch batch =
      trace.read(counted.range.step(chosen), counted.range.layer(chosen), buffer);
  std::vector<PlannedArm> arms;
  arms.push_back(plan_arm(kLayerArm, spec, batch, placements,
                          placements.of(static_cast<int>(chosen % counted.range.layers))));
  const ExpertPlacement even_ranks = control_placement(placements, batch.num_experts);
  const auto& control = spec.measure.control;
  if (control == "balanced" || control == "both") {
    BatchBuffer even;
    arms.push_back(plan_arm(kBalancedArm, spec, fill_balanced(batch, spec.trace.seed, even),
                            placements, even_ranks));
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
    RoutingBatch even = make_synthetic_trace(uniform)->read(0, 0, drawn);
    even.source_rank = batch.source_rank;
    arms.push_back(plan_arm(kUniformArm, spec, even, placements, even_ranks));
  }
  for (auto& arm : arms) arm.layer = counted.range.layer(chosen);
  return arms;
}

void add_row_metrics(const PointSpec& spec, const TimedRows& rows, PointResult& result) {
  const auto add = [&](std::string metric, double value) {
    result.measurements.push_back({std::move(metric), value, Provenance::kCounted});
  };
  const auto useful = static_cast<double>(rows.useful);
  const auto computed = static_cast<double>(rows.computed);
  add("rows.computed", computed);
  add("rows.padding_fraction", computed > 0 ? std::max(0.0, 1.0 - useful / computed) : 0.0);
  const auto* ffn = result.find("layer.expert_ffn_s");
  if (ffn == nullptr || !(ffn->value > 0)) return;
  Measurement rate{"kernel.flops_per_s", 0, ffn->provenance};
  const double flops = forward_flops_multiple(spec.pass) * flops_per_expert(spec.shape, 1) *
                       static_cast<double>(rows.timed);
  rate.value = flops / ffn->value;
  if (ffn->ci95 && ffn->ci95->low > 0)
    rate.ci95 = Interval{flops / ffn->ci95->high, flops / ffn->ci95->low};
  result.measurements.push_back(rate);
}

std::string wrong_kernel_text(const PointSpec& spec, std::string_view of_what, double error,
                              int bad_expert, std::string_view consequence) {
  return fmt::format(
      "kernel '{}' is wrong: {} {}differs from fp64 by {:.2e} relative, more than {:.0e}; {}",
      kernel_label(spec.kernel),
      bad_expert >= 0 ? fmt::format("expert {}", bad_expert) : "the combined output of a token",
      of_what, error, error_tolerance(spec.shape.dtype), consequence);
}

bool check_error(const PointSpec& spec, std::string_view arm, double error, int bad_expert,
                 PointResult& result) {
  if (error <= error_tolerance(spec.shape.dtype)) return true;
  result.outcome = Outcome::kFailed;
  result.reason = wrong_kernel_text(
      spec,
      fmt::format("of the {} batch {}", arm,
                  spec.pass == LayerPass::kForward ? "" : "in its output or a gradient "),
      error, bad_expert, "it was not timed");
  return false;
}

MeasureOptions measure_options(const PointSpec& spec) {
  MeasureOptions options;
  options.min_samples = spec.measure.min_samples;
  options.time_budget_s = spec.measure.budget_s;
  options.warmup_time_share = 1;  // a short budget must still reach a steady state
  options.target_relative_half_width = spec.measure.precision;
  return options;
}

}  // namespace hotexpert
