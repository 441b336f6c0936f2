#pragma once

#include "scenarios/cli/arguments.hpp"

// What `hotexpert calibrate` can fit, one file each.
namespace hotexpert {

/// Fits the network model to exchanges timed between processes of this machine, and writes it as a
/// file for ep.network.
int calibrate_network_here(const Arguments& arguments);

}  // namespace hotexpert
