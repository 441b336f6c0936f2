#pragma once

#include <string>
#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// What `place` plans on.
struct PlaceLoads {
  std::vector<std::vector<double>> by_layer;  ///< [layers][E] rows, all steps together
  LoadMatrix steps;  ///< the same step by step; empty where loads are not whole numbers
};

/// Options that say how the file is to be read.
std::vector<OptionRow> place_load_options();

/// Reads a file of loads, {"logical_count": [layers][experts] or [steps][layers][experts]} with any
/// numbers >= 0, or any recording that `hotexpert trace import` knows, cut into steps.
/// @throws InputError naming the file; UsageError for an option without sense
PlaceLoads read_place_loads(const std::string& path, const Arguments& arguments);

}  // namespace hotexpert
