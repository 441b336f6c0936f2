#pragma once

#include <cstdint>
#include <vector>

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
  double token_overlap = 0;  ///< experts shared by consecutive tokens of the whole trace
  std::int64_t dead_experts = 0;
  std::int64_t assignments = 0;
};

struct TraceSummary {
  std::vector<LayerSummary> layers;
  LayerSummary overall;  ///< means over layers; assignments and dead experts summed
  std::int64_t tokens = 0;
  std::int64_t steps = 0;
  std::int64_t out_of_range = 0;      ///< slots; not counted in loads
  std::int64_t duplicate_tokens = 0;  ///< (token, layer) pairs that name an expert twice
};

/// Summarises a recorded trace in one pass over the mapped file, in memory that does not grow with
/// its length: layers * experts * 24 bytes.
/// @param step_tokens tokens of a step; a partial last step counts for overlap and global metrics
///        only   @throws UsageError if it is below 1
TraceSummary summarize(const TraceArrays& arrays, int num_experts, std::int64_t step_tokens);

}  // namespace hotexpert
