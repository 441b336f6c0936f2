#pragma once

#include <cstdint>

#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// The balanced control of a batch: the same tokens, slots, experts and absent slots, with loads
/// equal to +-1 and experts distinct in each token. Assignments are dealt from one random
/// permutation of the experts after another, so neighbouring tokens hit varied experts. Gate
/// weights are drawn as in synthetic traces, when `like` has weights. Source ranks and request ids
/// are those of `like`; scores are left out.
/// @param like    has slots <= num_experts
/// @param buffer  holds the ids and weights of the result; not the buffer of `like`
/// @return bytes that depend on the shape and absent slots of `like`, its (step, layer) and seed
RoutingBatch fill_balanced(const RoutingBatch& like, std::uint64_t seed, BatchBuffer& buffer);

}  // namespace hotexpert
