#pragma once

#include <optional>
#include <vector>

namespace hotexpert {

/// Seconds of one pass of the layer, by phase. An absent phase is nullopt, never 0.
struct PhaseTimes {
  std::optional<double> route_s;
  std::optional<double> router_s;  ///< of route_s: the router's top-k, where it is run
  std::optional<double> permute_s;
  std::optional<double> all_to_all_s;  ///< both directions
  std::optional<double> dispatch_s;    ///< rows to their experts' ranks
  std::optional<double> return_s;      ///< and back
  std::optional<double> expert_ffn_s;  ///< all expert kernels of the pass, dgrad and wgrad included
  std::optional<double> dgrad_s;       ///< of the backward pass: gradients by the rows
  std::optional<double> wgrad_s;       ///< of the backward pass: gradients by the weights
  std::optional<double> combine_s;
  std::optional<double> forward_s;   ///< of a training pass: its forward half, first phase to last
  std::optional<double> backward_s;  ///< the backward pass, first phase to last
  double total_s = 0;
  std::vector<double> rank_ffn_s;  ///< [R] expert time of each rank; empty for one rank
};

}  // namespace hotexpert
