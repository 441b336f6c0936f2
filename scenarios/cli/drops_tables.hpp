#pragma once

#include "scenarios/cli/table.hpp"
#include "scenarios/runner/drops_study.hpp"

// What `hotexpert drops` prints, a function a kind of table.
namespace hotexpert {

/// A row for each rule, policy and factor.
/// @param sampled  the trace was drawn: rows have a standard error
CommandTable drops_table(const std::vector<DropsRow>& rows, bool sampled);

/// A row for each capacity of the spectrum: mean and percentiles over (step, layer), and the floor.
/// Beside them `curve`: the pooled share at every capacity from 0 to the largest load.
CommandTable spectrum_table(const StudiedDrops& studied);

/// "The smallest factor with at most x % dropped in at least y % of the steps": a row a rule for
/// all layers together, then one for each layer. x is the study's one tolerance.
CommandTable answer_table(const StudiedDrops& studied, const std::vector<std::string>& rules,
                          const Decimal& share_of_steps);

/// "CF 1.25 in megatron is 1.25 in tutel here": every factor of each rule in every other rule, or
/// the reason why it has no equivalent.
CommandTable translation_table(const std::vector<std::string>& rules,
                               const std::vector<Decimal>& factors, const CapacityScope& scope);

}  // namespace hotexpert
