#pragma once

#include <string>

namespace hotexpert::test_support {

/// A price list of 4 numbers of tokens and 3 skews on one device: few tokens read weights and are
/// faster when skewed, many wait for a straggler.
void write_price_run(const std::string& dir);

/// Predictions of two shapes on two numbers of ranks, five passes each, 4 % off; half as much where
/// fitted.
void write_validation_run(const std::string& dir);

/// Three metrics in two regimes.
void write_league_run(const std::string& dir);

/// A verdict over three schedules and two windows: the second schedule was chosen, and pays.
void write_verdict_run(const std::string& dir);

}  // namespace hotexpert::test_support
