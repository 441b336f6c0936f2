#pragma once

#include <string_view>
#include <vector>

#include "profiler/layer_check.hpp"
#include "profiler/measure.hpp"
#include "scenarios/runner/counted.hpp"
#include "scenarios/runner/placements.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "sim/core/dispatch_plan.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// One arm of the comparison: its name, its plan, and where its tokens and experts live.
struct PlannedArm {
  std::string_view name;
  DispatchPlan plan;
  std::vector<std::int64_t> owned_tokens;      ///< [R] tokens each rank owns
  std::vector<std::int32_t> source_rank;       ///< [tokens] owner of each; empty for one rank
  std::vector<std::int64_t> node_tokens = {};  ///< [R, nodes] distinct tokens a rank sends a node
  ExpertPlacement placement;
  int layer = 0;  ///< of the trace, that the batch is of
};

/// Plans the chosen batch of the point (measure.batch, among the steps after the placement window)
/// and its controls. Controls are balanced over ranks as well: with several ranks their experts
/// are placed as `contiguous` does, without replicas where ranks permit.
/// @throws UsageError for a batch index outside the scored steps
std::vector<PlannedArm> plan_arms(const PointSpec& spec, const RoutingTrace& trace,
                                  const Placements& placements, const Counted& counted);

/// Rows of each logical expert in an arm: `load.measured_batch`, `load.balanced_batch`, ...
Series arm_load_series(const PlannedArm& arm);

/// Rows of the timed arm.
struct TimedRows {
  std::int64_t useful = 0;    ///< of tokens, shared experts included
  std::int64_t computed = 0;  ///< padding included
  std::int64_t timed = 0;     ///< useful ones that layer.expert_ffn_s is the time of
};

/// Rows computed and the useful rate.
void add_row_metrics(const PointSpec& spec, const TimedRows& rows, PointResult& result);

/// "kernel 'loop' is wrong: expert 3 of the layer batch differs from fp64 by 1.40e+00 relative,
/// more than 5e-06; it was not timed".
/// @param of_what e.g. "of the layer batch ", or ""   @param bad_expert -1: a token, not an expert
std::string wrong_kernel_text(const PointSpec& spec, std::string_view of_what, double error,
                              int bad_expert, std::string_view consequence);

/// Compares an arm's largest error with the tolerance; a wrong kernel makes the point failed.
/// @param bad_expert physical expert of that error   @return true: it may be timed
bool check_error(const PointSpec& spec, std::string_view arm, double error, int bad_expert,
                 PointResult& result);

/// How the point wants to be measured.
MeasureOptions measure_options(const PointSpec& spec);

}  // namespace hotexpert
