#pragma once

#include <optional>
#include <vector>

namespace hotexpert {

/// Seconds of one pass of the layer, by phase. An absent phase is nullopt, never 0.
struct PhaseTimes {
  std::optional<double> route_s;
  std::optional<double> permute_s;
  std::optional<double> all_to_all_s;  ///< both directions
  std::optional<double> dispatch_s;    ///< rows to their experts' ranks
  std::optional<double> return_s;      ///< and back
  std::optional<double> expert_ffn_s;
  std::optional<double> combine_s;
  double total_s = 0;
  std::vector<double> rank_ffn_s;  ///< [R] expert time of each rank; empty for one rank
};

}  // namespace hotexpert
