#pragma once

#include <vector>

#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/placements.hpp"

namespace hotexpert {

/// What the network model says of one arm's exchange.
struct ModelledExchange {
  std::vector<double> dispatch_s;         ///< [R] when each rank is done sending and receiving
  std::vector<double> return_s;           ///< [R] the same on the way back
  [[nodiscard]] double dispatch() const;  ///< of the slowest rank
  [[nodiscard]] double back() const;
  [[nodiscard]] double total() const { return dispatch() + back(); }
};

ModelledExchange model_exchange(const PlannedArm& arm, const Placements& placements,
                                const LayerShape& shape);

/// Adds layer.dispatch_s, layer.return_s, layer.all_to_all_s and, where layer.total_s is known,
/// layer.step_s = layer.total_s + layer.all_to_all_s; the same of the balanced arm as
/// layer.balanced_step_s. All modelled.
void add_exchange(const std::vector<PlannedArm>& planned, const Placements& placements,
                  const LayerShape& shape, PointResult& result);

/// Adds rank.straggler and the series straggler.hot_experts: up to eight of its logical experts by
/// falling rows, as pairs (expert, rows).
void add_straggler(const PlannedArm& arm, int straggler, Provenance provenance,
                   PointResult& result);

/// Rows each rank computes. [R]
std::vector<double> rows_of_ranks(const DispatchPlan& plan);

}  // namespace hotexpert
