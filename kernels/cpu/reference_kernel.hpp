#pragma once

#include <memory>

#include "kernels/cpu/expert_kernel.hpp"

namespace hotexpert {

/// reference_expert() for every row, rows shared among the threads: slow and obvious.
std::unique_ptr<CpuExpertKernel> make_reference_kernel(const LayerShape& shape, int num_experts,
                                                       int threads);

}  // namespace hotexpert
