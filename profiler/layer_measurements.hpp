#pragma once

#include <string_view>
#include <vector>

#include "profiler/measure.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

// What an arm is decides which metrics its samples become.
inline constexpr std::string_view kLayerArm = "layer";        ///< the point itself
inline constexpr std::string_view kBalancedArm = "balanced";  ///< equal tokens, loads equal to +-1
inline constexpr std::string_view kUniformArm = "uniform";    ///< equal tokens, drawn uniformly

/// Catalogue metrics of a measurement. Measured ones come with every sample and the 95 % interval
/// of their median; modelled ones are values alone, as repeating them says nothing.
/// - arm `layer`: layer.total_s, and layer.route_s, permute_s, all_to_all_s, expert_ffn_s,
/// combine_s
///   where the backend reports the phase (an absent phase gives no metric), and layer.idle_fraction
///   = 1 - mean / max of rank_ffn_s where there are several ranks;
///   With a backward pass also layer.dgrad_s, wgrad_s, forward_s and backward_s;
/// - arms `balanced` and `uniform`: layer.balanced_total_s, layer.uniform_total_s;
/// - `layer` and `balanced` together: layer.imbalance_tax, the paired_ratio() of the two, and of
///   their forward, dgrad and wgrad parts layer.forward_tax, dgrad_tax, wgrad_tax.
/// Arms of other names give no metric.
/// @param provenance measured, or modelled when the backend computes its times
/// @throws std::logic_error if a phase is in some samples of an arm and not in others
std::vector<Measurement> to_measurements(const MeasureResult& result,
                                         Provenance provenance = Provenance::kMeasured);

}  // namespace hotexpert
