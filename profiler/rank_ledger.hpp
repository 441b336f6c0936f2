#pragma once

#include <vector>

#include "profiler/layer_backend.hpp"
#include "profiler/layer_profile.hpp"
#include "profiler/straggler_ledger.hpp"

namespace hotexpert {

/// One step of an expert-parallel layer: what each rank computed, traced, and how long its rows
/// were on their way. Experts are numbered over all ranks.
struct RankedPass {
  std::vector<TracedPass> ranks;   ///< [R]
  std::vector<double> dispatch_s;  ///< [R] when a rank has its rows, from the step's start
  std::vector<double> return_s;    ///< [R] when its rows are back, from the slowest rank's end

  [[nodiscard]] int straggler() const;          ///< the rank with the largest total, lower on ties
  [[nodiscard]] double step_s() const;          ///< last dispatch + slowest rank + last return
  [[nodiscard]] double wait_s(int rank) const;  ///< of the step: for others, on all three
};

/// The ledger of a step against its control. Every rank is there for the whole step, so the step is
/// booked in rank-seconds / ranks: what a rank computes as book_straggler() books it, the time of
/// its own rows on the network as all-to-all, and what it waits as all-to-all with the rank it
/// waits for. Adds up to the difference of the steps.
/// @throws std::logic_error for unequal numbers of ranks, or as book_straggler() does
StragglerLedger book_ranks(const RankedPass& measured, const RankedPass& control,
                           const TileReference& reference);

/// Steps taken next to each other. All [steps].
struct RankedSteps {
  std::vector<double> untraced_s;  ///< of the measured plan: its slowest rank
  std::vector<RankedPass> measured;
  std::vector<RankedPass> control;
  std::vector<RankedPass> relabelled;
};

/// What the steps say, as profile_of() has it for one rank: `summary` is the straggler's in the
/// shown step.
LayerProfile profile_of(const RankedSteps& steps);

}  // namespace hotexpert
