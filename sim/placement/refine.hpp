#pragma once

#include <array>

#include "sim/base/params.hpp"

namespace hotexpert {

/// `refine` starts from eplb and lowers the slowest rank (rows / speed) by slot search:
///  1. Where groups stay on nodes (`span=no`), groups are dealt again by swaps between nodes, and
///     each node is searched for itself; with `span=yes`, or where groups do not divide over nodes,
///     all ranks are searched together, swaps inside a node first.
///  2. A search descends by swaps and moved copies; when stuck it makes one to three random steps,
///     descends again, and keeps the result unless it is worse (iterated local search; drawn by
///     seed, layer and node). It ends within `gap` of the proven lower bound or after `trials`.
///  3. Without making the slowest rank slower, swaps bring copies back to their group's node and
///     put experts that tokens choose together on one rank.
/// The result is never worse than eplb's: eplb's own placement is returned where nothing was
/// gained. Time: about 2 ms a layer of 256 experts on 64 ranks.
inline constexpr std::array kRefineParams = {
    ParamSpec{"span", 0, 0, 1, "may a group's experts leave their node", "no|yes"},
    ParamSpec{"gap", 0.01, 0.0, 1.0, "stop within this share of the lower bound"},
    ParamSpec{"trials", 400, 0, 1e6, "random restarts of a search at most"},
};

}  // namespace hotexpert
