#pragma once

#include <span>

#include "scenarios/runner/placements.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "sim/core/point_result.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// How long a rank takes for its rows, seen on the ranks that were timed.
struct RankLaw {
  double start_s = 0;  ///< of any number of rows
  double row_s = 0;
  [[nodiscard]] double seconds(double rows) const { return start_s + row_s * rows; }
};

/// seconds = start + row_s * rows, both >= 0, by least squares on relative errors; through the
/// origin where every rank had the same rows.   @param rows, seconds of timed ranks, seconds > 0
RankLaw fit_rank_law(std::span<const double> rows, std::span<const double> seconds);

/// Adds model.step_s and model.imbalance_share (modelled): the law applied to every layer's ranks
/// in every scored step, the slowest rank's times summed over layers, averaged over steps and
/// scaled to the preset's number of MoE layers. The network is no part of it.
void add_model_step(const PointSpec& spec, const Placements& placements, const LoadMatrix& load,
                    const RankLaw& law, PointResult& result);

}  // namespace hotexpert
