#pragma once

#include <memory>

#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/plugin/expert_plugin.hpp"

namespace hotexpert {

/// A plugin as a CPU kernel. Weights are kept as the C header says, inner dimension last; the
/// plugin's create() runs with the first prepare(), when all of them are set.
std::unique_ptr<CpuExpertKernel> make_plugin_kernel(const LayerShape& shape, ExpertPlugin plugin,
                                                    int num_experts, int threads);

}  // namespace hotexpert
