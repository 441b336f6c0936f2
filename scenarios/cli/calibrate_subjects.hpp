#pragma once

#include "scenarios/cli/arguments.hpp"

// What `hotexpert calibrate` can fit, one file each.
namespace hotexpert {

/// Fits the network model to exchanges timed between processes of this machine, and writes it as a
/// file for ep.network.
int calibrate_network_here(const Arguments& arguments);

/// Times the same work on every rank's process at the same time and prints relative speeds.
int calibrate_speeds_here(const Arguments& arguments);

/// Fits the constants of the cost laws to a run folder, or to a scenario that it sweeps first.
int calibrate_device(const Arguments& arguments);

}  // namespace hotexpert
