#pragma once

#include <functional>

#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// Reads every (step, layer) of a trace once, on several threads, each with its own buffer.
/// @param visit called from any thread, at the same time for different batches, in any order; its
///        batch is valid during the call
/// @throws what read() or visit throws; of several, that of the earliest (step, layer)
void for_each_batch(const RoutingTrace& trace, int threads,
                    const std::function<void(const RoutingBatch&)>& visit);

/// Loads of every (step, layer): the input of load_metrics(). Equal for any number of threads.
LoadMatrix count_loads(const RoutingTrace& trace, int threads = 1);

}  // namespace hotexpert
