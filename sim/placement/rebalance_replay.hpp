#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/placement/placement_method.hpp"
#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// What rows, moves and pauses cost. A layer takes max(floor_s, row_s * slowest rank's rows /
/// speed): the floor is the time to read the weights, which few rows do not shorten.
struct RebalanceCosts {
  double row_s = 0;             ///< seconds a rank of speed 1 needs for a row of one layer, > 0
  double floor_s = 0;           ///< least seconds of one layer
  double other_s = 0;           ///< seconds of a step outside the expert layers
  double expert_bytes = 0;      ///< weights of one expert of one layer
  double link_bytes_per_s = 0;  ///< rate at which a rank receives weights, > 0
  double pause_s = 0;           ///< seconds each rebalance stops the steps, transfer aside
};

/// When to plan, and on what.
struct RebalanceSchedule {
  std::int64_t interval = 0;  ///< steps from one plan to the next; 0 = plan once
  std::int64_t window = 1;    ///< steps of load a plan sees, up to the step it takes effect
  friend bool operator==(const RebalanceSchedule&, const RebalanceSchedule&) = default;
};

/// A trace replayed under a schedule, from `first_step` to its end.
struct Replay {
  std::int64_t first_step = 0;
  std::vector<double> step_s;         ///< [steps] the step's time, charges aside
  std::vector<double> charge_s;       ///< [steps] transfer and pause of a rebalance before the step
  std::vector<double> max_over_mean;  ///< [steps] max / mean rank load, averaged over loaded layers
  std::int64_t rebalances = 0;
  double moved_bytes = 0;            ///< `place.moved_bytes`, all rebalances together
  double planned_max_over_mean = 1;  ///< the plans on the windows they were made from
};

/// What a plan may look at.
enum class PlanOn : std::uint8_t {
  kPast,       ///< the window before it takes effect
  kHindsight,  ///< the very steps it will serve, free of charge: the `eplb-oracle`
};

/// Replays a trace: plans at `first_step` and every `interval` steps after, scores each step on its
/// own loads. Weights that a rank did not hold before are moved; the busiest receiver sets the
/// transfer time.
/// @param loads rows per (step, layer, expert)
/// @param before placement of each layer before the first plan
/// @param first_step in [schedule.window, loads.steps): earlier steps are only looked at
/// @throws UsageError or InputError as the method does
Replay replay_rebalancing(const LoadMatrix& loads, const PlacementMethod& method,
                          const PlacementTarget& target, const RebalanceSchedule& schedule,
                          const RebalanceCosts& costs, const std::vector<PlacedLayer>& before,
                          std::int64_t first_step, PlanOn plan_on = PlanOn::kPast);

/// Replays a trace under a placement that never changes.
Replay replay_unchanged(const LoadMatrix& loads, const PlacementTarget& target,
                        const RebalanceCosts& costs, const std::vector<PlacedLayer>& placement,
                        std::int64_t first_step);

/// Places every layer on the loads of steps [begin, end) together.
std::vector<PlacedLayer> plan_window(const LoadMatrix& loads, const PlacementMethod& method,
                                     const PlacementTarget& target, std::int64_t begin,
                                     std::int64_t end);

/// Bytes each rank receives to go from one set of placements to another: an expert that a rank
/// comes to hold in a layer and did not hold there before. [R]
std::vector<double> received_bytes(const std::vector<PlacedLayer>& from,
                                   const std::vector<PlacedLayer>& to, double expert_bytes);

}  // namespace hotexpert
