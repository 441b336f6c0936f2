#pragma once

#include <string>

#include "reports/run_store.hpp"

namespace hotexpert::test_support {

/// A run folder as a quickstart leaves it: 8 experts, top 2, five skews x three kernels x five
/// capacity factors. `padded` takes time in proportion to max/mean load, `loop` a little, `grouped`
/// next to none; 15 samples each with 1 % noise, drawn from `seed`.
/// @param slowdown factor on the time of `grouped` at the highest skew
void write_quickstart_run(const std::string& dir, std::uint64_t seed = 1, double slowdown = 1);

/// A run of counted metrics: two step sizes x recorded and shuffled order x four capacity factors.
void write_recorded_run(const std::string& dir);

}  // namespace hotexpert::test_support
