#pragma once

#include <string_view>

#include "scenarios/cli/table.hpp"

namespace hotexpert {

/// What the heuristic of every CUDA kernel chooses for a shape, without a device: engine, tile,
/// launch, bytes of memory, and why.
/// @param shape a preset's name with parameters inline: tokens, sm (compute capability times 10),
/// multiprocessors, scale, dtype, activation. "qwen3-30b-a3b:tokens=8192:sm=90"
/// @throws UsageError for an unknown preset or parameter
CommandTable explain_cuda_kernels(std::string_view shape);

}  // namespace hotexpert
