#pragma once

#include "profiler/communicator.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// Runs one point of `ep.exec = mpi` with one process a rank: rank 0 leads, the others follow.
/// Every rank draws the same tokens, placements and plans; each runs its own part, arms
/// interleaved. Rank 0's result gets, all measured: the layer's times (layer.total_s from a common
/// start to the last rank's end, network and waiting included; phases of the rank whose own work
/// takes longest), layer.dispatch_s, layer.return_s, layer.all_to_all_s, layer.idle_fraction,
/// layer.imbalance_tax, rank.straggler, and the series rank_ffn_s, rank_total_s (own work),
/// rank_wait_s, rank_dispatch_s, rank_return_s [rank]. A wrong expert makes the point failed.
/// Collective.
/// @throws UsageError where the point's ep.ranks is not the number of processes
void time_with_processes(const PointSpec& spec, Communicator& ranks, PointResult& result);

/// Rank 0: sends the other ranks a point and runs it with them.
void lead_point(const AxisChoice& choice, Communicator& ranks, PointResult& result);
/// Rank 0: lets the other ranks go.
void lead_end(Communicator& ranks);
/// The other ranks: run what rank 0 sends, until it lets them go.
void follow(Communicator& ranks);

}  // namespace hotexpert
