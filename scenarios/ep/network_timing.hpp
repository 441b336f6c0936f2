#pragma once

#include <vector>

#include "profiler/communicator.hpp"
#include "sim/model/network_model.hpp"

namespace hotexpert {

/// Times exchanges between these processes: every pair alike, all rows to one rank, and from each
/// rank to some of the others only, in sizes from nothing much to a few MiB; the median of several
/// repetitions of each, from a barrier to the last rank's end. The same on every rank. Collective.
std::vector<NetworkSample> time_exchanges(Communicator& ranks);

}  // namespace hotexpert
