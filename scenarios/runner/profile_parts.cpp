#include "scenarios/runner/profile_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/runner/counted.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/base/errors.hpp"
#include "sim/routing/plan_dispatch.hpp"

namespace hotexpert {

PlannedPoint plan_point(const AxisChoice& choice, int threads) {
  PlannedPoint point;
  point.spec = make_point_spec(choice);
  point.spec.measure.control = "balanced";
  if (point.spec.parallel.ranks > 1 && point.spec.parallel.exec != "virtual")
    throw UsageError(
        "profile runs the ranks of a step one after another in this process; set --ep.exec virtual "
        "(`nsys profile mpirun ... hotexpert-ep sweep` shows the ranges of processes)");
  if (point.spec.parallel.ranks > 1 && point.spec.pass != LayerPass::kForward)
    throw UsageError(fmt::format(
        "layer.pass {} is profiled on one rank: ranks exchange rows of the forward pass only (use "
        "--ep.ranks 1, or --layer.pass forward)",
        name(point.spec.pass)));
  const int jobs = threads > 0 ? threads : available_threads();
  TraceCache traces(jobs);
  const auto trace = traces.open(point.spec.trace);
  resolve_shape(point.spec, trace->info());
  point.placements = place_experts(point.spec, *trace, jobs);
  if (!point.placements.target.rank_speed.empty())
    throw UsageError(
        "profile shows what ranks of this device do; set --ep.speeds none (a sweep scales times to "
        "other speeds)");
  const RoutingFields fields{.weights = trace->info().has_weights,
                             .scores = trace->info().has_scores};
  if (const auto reason = DispatchPlanner(point.spec.capacity)
                              .unsupported(fields, point.spec.shape.top_k, point.placements.of(0)))
    throw UsageError(*reason);
  const Counted counted = count_point(point.spec, *trace, point.placements, jobs, point.result);
  point.arms = plan_arms(point.spec, *trace, point.placements, counted);
  return point;
}

RangeName slowest_stage(const std::vector<PhaseTimes>& passes) {
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
    for (const auto& pass : passes) seconds.push_back((pass.*stage.phase).value_or(0));
    const double middle_s = median(seconds);
    if (middle_s > longest_s) slowest = stage.range;
    longest_s = std::max(longest_s, middle_s);
  }
  return slowest;
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

}  // namespace hotexpert
