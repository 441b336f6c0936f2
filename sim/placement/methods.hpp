#pragma once

#include "sim/base/params.hpp"
#include "sim/placement/placement_problem.hpp"

/// The placement methods, one file each; `placement_method.cpp` lists them. Problems are valid.
namespace hotexpert {

/// Slot p holds expert p mod E: blocks of consecutive experts a rank. Sees no load.
PlacedLayer place_contiguous(const PlacementProblem& problem, const NamedChoice& choice);

/// Slot j of rank r holds expert (j R + r) mod E: consecutive experts on consecutive ranks. Sees no
/// load.
PlacedLayer place_strided(const PlacementProblem& problem, const NamedChoice& choice);

/// Experts and extra copies in slots drawn by (seed, layer). Sees no load.
PlacedLayer place_random(const PlacementProblem& problem, const NamedChoice& choice);

/// Hottest experts replicated, then the heaviest replica first to the rank that is done first among
/// those with a free slot (LPT, Graham 1969; aware of device speed, not of groups or nodes).
PlacedLayer place_greedy(const PlacementProblem& problem, const NamedChoice& choice);

/// DeepSeek's EPLB. See eplb.hpp.
PlacedLayer place_eplb(const PlacementProblem& problem, const NamedChoice& choice);

/// EPLB improved by local search. See refine.hpp.
PlacedLayer place_refine(const PlacementProblem& problem, const NamedChoice& choice);

}  // namespace hotexpert
