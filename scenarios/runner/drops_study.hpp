#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/runner/point_spec.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/routing/drops_table.hpp"
#include "sim/routing/spectrum_table.hpp"

namespace hotexpert {

/// What `hotexpert drops` counts of one trace, in one pass over it.
struct DropsStudy {
  DropsQuery query;                      ///< its rules and policies at each factor; or no factor
  bool spectrum = false;                 ///< the distribution over steps at spectrum_capacities()
  std::vector<Decimal> tolerances = {};  ///< drop shares whose needed capacities are kept
  int num_ranks = 1;                     ///< contiguous expert-parallel ranks
  int threads = 1;                       ///< results do not depend on it
  std::function<void(std::int64_t done, std::int64_t total)> on_progress = {};
  std::function<bool()> should_stop = {};  ///< asked between steps
};

struct StudiedDrops {
  std::optional<DropsTable> table;       ///< where the query has factors
  std::optional<SpectrumTable> spectra;  ///< where a spectrum or tolerances were asked for
  CapacityScope scope;                   ///< tokens that share a capacity, E, k
  std::int64_t groups = 1;               ///< such scopes in a step
  BatchRange range;
  std::string trace_name = {};
  std::vector<std::string> warnings = {};
  std::optional<Json> recording = {};  ///< recording_json() of a recorded trace
  bool stopped = false;
};

/// Opens the trace of `spec`, fills in what only the trace knows, and counts. Memory does not grow
/// with the number of steps.
/// @throws InputError, UsageError (also where spectra are asked for and capacity.group does not
/// divide step.tokens: groups of unequal size have no common capacity)
StudiedDrops study_drops(const DropsStudy& study, PointSpec& spec);

/// The study as points of a run folder: one with the spectrum, one for each rule, policy and
/// factor, with who was dropped and the drops of each layer as arrays.
std::vector<PointResult> drops_points(const StudiedDrops& studied, const PointSpec& spec);

/// The factor that the study's first tolerance needs in `share_of_steps`, one point a rule for all
/// layers together and one a rule and layer. Rules without such a factor are left out.
std::vector<PointResult> answer_points(const StudiedDrops& studied, const PointSpec& spec,
                                       const std::vector<std::string>& rules,
                                       const Decimal& share_of_steps);

}  // namespace hotexpert
