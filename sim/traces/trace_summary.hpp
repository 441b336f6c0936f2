#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// Load metrics of one layer, averaged over steps (formulas: metric catalogue).
struct LayerSummary {
  double max_over_mean = 0;
  double cv = 0;
  double max_vio_batch = 0;
  double max_vio_global = 0;
  double gini = 0;
  double active_experts = 0;
  /// Experts shared by consecutive tokens of the whole trace; none for counts.
  std::optional<double> token_overlap;
  std::int64_t dead_experts = 0;
  std::int64_t assignments = 0;
};

struct TraceSummary {
  std::vector<LayerSummary> layers;
  LayerSummary overall;  ///< means over layers; assignments and dead experts summed
  std::int64_t tokens = 0;
  std::int64_t steps = 0;
};

/// Summarises a recorded trace in one pass over the mapped file, in memory that does not grow with
/// its length. Slots out of range or absent are in no load.
/// @param step_tokens tokens of a step; a partial last step counts for overlap and global metrics
///        only   @throws UsageError if it is below 1
TraceSummary summarize(const TraceArrays& arrays, int num_experts, std::int64_t step_tokens);

/// The same of a recording that holds counts only.
TraceSummary summarize(const LoadMatrix& loads);

}  // namespace hotexpert
