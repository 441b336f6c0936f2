#pragma once

#include <vector>

#include "profiler/rank_ledger.hpp"
#include "profiler/trace_events.hpp"

namespace hotexpert {

/// Times of every rank in one step of an expert-parallel layer. [R] each; empty = unknown
struct RankStep {
  std::vector<double> dispatch_s;  ///< when the rank has its rows, from the step's start
  std::vector<double> total_s;     ///< its own work: permute, experts, combine
  std::vector<double> ffn_s;       ///< of that the experts
  std::vector<double> return_s;    ///< when its rows are back, from the slowest rank's end
  std::vector<double> rows;
};

/// A step as a trace: process = rank, with the slices dispatch, compute (experts nested), wait and
/// return. Ranks compute when the last one has its rows and return when the last one is done: the
/// composition that layer.step_s adds up.
/// @param first_process number of rank 0's process   @param start_ns of the step
/// @return the end of the step in ns
std::uint64_t add_rank_step(TraceEvents& trace, int first_process, std::uint64_t start_ns,
                            const RankStep& step);

/// A traced step: process = rank, with its tiles as add_layer_pass() draws them and the phases
/// dispatch, wait for rows, permute, expert, combine, wait for the slowest rank, return on one time
/// line, however the ranks were run. Arrows lead from each rank's dispatch to its combine, and from
/// the slowest rank's combine to the waits for it.
void add_rank_passes(TraceEvents& trace, const RankedPass& step, const std::string& worker);

}  // namespace hotexpert
