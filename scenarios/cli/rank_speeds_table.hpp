#pragma once

#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// Times of the same work, [R][repetitions] seconds, as {"seconds": [[...]]} and back.
Json to_json(const std::vector<std::vector<double>>& seconds);
/// @throws InputError for what is missing, empty or not positive
std::vector<std::vector<double>> rank_seconds_from_json(const Json& json);

/// Prints each rank's time and its speed: the median rank's time over its own. `ep.speeds` names
/// the ranks whose interval lies clear of the median rank's time; the others count as alike.
void print_rank_speeds(const std::vector<std::vector<double>>& seconds, const Arguments& arguments);

}  // namespace hotexpert
