#pragma once

#include <optional>
#include <vector>

#include "profiler/cupti_api.hpp"
#include "profiler/nsight_import.hpp"

namespace hotexpert {

/// What hardware counters say of the expert kernels of a pass: of Nsight Compute, or our own.
struct ExpertCounters {
  int kernels = 0;
  double seconds = 0;                          ///< summed over kernels
  double dram_bytes = 0;                       ///< read and written, summed over kernels
  std::optional<double> tensor_fraction;       ///< of active cycles, weighted by time
  std::optional<double> busiest_sm_over_mean;  ///< cycles active, of the longest kernel
};

/// Sums the metrics of counter_metrics() over the kernels of stage `expert`; over all kernels where
/// the report knows no ranges (ncu without --nvtx).
/// @return nullopt where a kernel lacks its duration or its DRAM bytes: a partial sum would mislead
std::optional<ExpertCounters> expert_counters(const std::vector<NcuValue>& values);

/// The same of the range `expert` that CUPTI counted, as one kernel.
std::optional<ExpertCounters> expert_counters(const CounterBatch& batch);

}  // namespace hotexpert
