#pragma once

#include <cstdint>
#include <memory>

#include "kernels/cpu/staged_kernel.hpp"
#include "kernels/cpu/training_kernel.hpp"

namespace hotexpert {

/// A strategy of the forward pass with its backward on oneDNN. Forward and dgrad share out row
/// tiles alike: `loop` an expert after another, `padded` and `grouped` all at once. Weight
/// gradients share out tiles of the gradients: in `loop` an expert after another, in `padded` over
/// as many rows as the largest expert has.
/// @param split_rows see plan_wgrad(): 0 never splits, < 0 chooses by automatic_split_rows()
std::unique_ptr<CpuTrainingKernel> make_staged_training(Strategy strategy, const LayerShape& shape,
                                                        int num_experts, int tile_rows,
                                                        std::int64_t split_rows, int threads);

}  // namespace hotexpert
