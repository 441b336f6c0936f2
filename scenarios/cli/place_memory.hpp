#pragma once

#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "scenarios/cli/place_loads.hpp"
#include "sim/base/json.hpp"
#include "sim/placement/placement_problem.hpp"

namespace hotexpert {

/// Options of the memory forecast.
std::vector<OptionRow> place_memory_options();

/// What the hottest rank of each layer needs at most over the steps (bf16 experts of the preset,
/// grouped kernel; modelled): {"layers": [{"layer", "rank.peak_bytes",
/// "rank.peak_training_bytes"}], "weights_bytes" of all layers on the fullest rank, and with
/// --memory.limit_gib the first step in which a layer does not fit beside the other layers'
/// weights, forward and in training, or null}.
/// @throws UsageError where loads are not whole rows by step
Json forecast_memory(const PlaceLoads& loads, const std::vector<PlacedLayer>& layers,
                     const Arguments& arguments);

}  // namespace hotexpert
