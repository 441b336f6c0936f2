#pragma once

#include <string>
#include <vector>

#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/placements.hpp"
#include "scenarios/runner/profile_point.hpp"

namespace hotexpert {

/// A point as far as it goes without a backend.
struct PlannedPoint {
  PointSpec spec;
  PointResult result;
  std::vector<PlannedArm> arms;  ///< measured, balanced
  Placements placements;
};

/// @throws UsageError for ranks that a profile cannot show: in processes, of unequal speed, or of
/// another pass than forward
PlannedPoint plan_point(const AxisChoice& choice, int threads);

/// The phase with the largest median.
RangeName slowest_stage(const std::vector<PhaseTimes>& passes);

/// What a reader must know of a profile: no tiles and why, unsound records, passes left out.
void remark_on(const LayerProfile& layer, std::vector<std::string>& remarks);

/// Profiles a point of several ranks, one after another on this device, and fills `profile`. The
/// network's times are the model's.
/// @param once one warm-up and one captured pass of every rank, nothing else
void profile_ranks(const PlannedPoint& point, LayerBackend& backend, BackendPool& pool, bool once,
                   const ProfileOptions& options, PointProfile& profile);

}  // namespace hotexpert
