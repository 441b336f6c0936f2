#pragma once

#include "scenarios/cli/arguments.hpp"

// The actions of `hotexpert model`, one file each.
namespace hotexpert {

/// Scores the cost law on published latencies.
int model_validate(const Arguments& arguments);
/// What one more percent of max/mean load costs, by tokens and skew.
int model_price(const Arguments& arguments);
/// Which load metric tells the time ratio best, by regime.
int model_league(const Arguments& arguments);

}  // namespace hotexpert
