#pragma once

#include <string>
#include <vector>

#include "reports/run_store.hpp"

namespace hotexpert {

/// Several runs of one scenario as one: a sample a round, the median of that round's samples, so
/// that what drifts from round to round shows in the samples. Values are their medians, intervals
/// those of the median. A point that is not ok in every round has its worst outcome.
/// @param rounds at least one; points that not all of them have are left out
Run pool_rounds(std::vector<Run> rounds);

/// Reads a run folder, or a folder of rounds: run folders named 1, 2, 3, …
/// @throws InputError where it is neither
std::vector<Run> read_rounds(const std::string& dir);

/// True when both sides have as many rounds, more than one, and no round of either side began
/// before both sides had begun the round before it (manifest.json, "created"): A B B A A B …
bool measured_in_turn(const std::vector<Run>& base, const std::vector<Run>& now);

/// The two sides of a comparison, from run folders or folders of rounds. Rounds in turn are marked
/// with the same "interleaving", so that compare_runs() takes their samples as pairs.
std::pair<Run, Run> read_sides(const std::string& base_dir, const std::string& new_dir);

}  // namespace hotexpert
