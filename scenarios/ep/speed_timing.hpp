#pragma once

#include <vector>

#include "profiler/communicator.hpp"

namespace hotexpert {

/// Seconds that each rank takes for the same small expert layer (8 experts, 512 x 1024, 64 rows
/// each, fp32, one thread), all ranks at the same time from barrier to barrier, so that what they
/// share slows them as it does in a step: [R][repetitions]. The same on every rank. Collective.
std::vector<std::vector<double>> time_same_work(Communicator& ranks);

}  // namespace hotexpert
