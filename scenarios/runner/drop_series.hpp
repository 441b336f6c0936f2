#pragma once

#include <vector>

#include "sim/core/point_result.hpp"
#include "sim/routing/drop_statistics.hpp"

namespace hotexpert {

/// Who was dropped, as arrays of a result: `drop.by_position` [decile] and, with request ids,
/// `drop.by_sequence_position` [decile], with several ranks `drop.by_source_rank` [rank]. Each
/// value is the share of the assignments there that were dropped: level where a policy has no bias.
std::vector<Series> bias_series(const DropStatistics& drops);

/// `drop.by_layer` [layer]: dropped share of each layer, averaged over its steps.
Series drops_by_layer(std::vector<double> fractions);

}  // namespace hotexpert
