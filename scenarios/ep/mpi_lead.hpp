#pragma once

#include "profiler/communicator.hpp"

namespace hotexpert {

/// From now on process_runner() leads the other processes of `ranks`. Rank 0 only.
void lead_with(Communicator& ranks);

}  // namespace hotexpert
