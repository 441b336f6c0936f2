#pragma once

#include <cstdint>
#include <memory>

#include "kernels/cpu/training_kernel.hpp"
#include "profiler/layer_backend.hpp"
#include "sim/core/layer_pass.hpp"

namespace hotexpert {

/// A layer on the CPU whose run() is the backward pass, or forward and backward. read_output() is
/// the gradient by the layer's input; verify() compares forward and backward. Phases of the
/// backward pass, by what they do: permute_s brings the gradients of the output into expert order,
/// scaled by gate weights, and sums those of the gate weights; dgrad_s and wgrad_s are its
/// expert_ffn_s; combine_s sums the gradients of rows into those of tokens. With `training` each of
/// these holds both passes, and forward_s and backward_s are their totals.
/// @param pass backward or training; for backward, one forward pass runs when a plan is loaded
std::unique_ptr<PreparedLayer> make_cpu_training_layer(const LayerShape& shape,
                                                       std::unique_ptr<CpuTrainingKernel> kernel,
                                                       int num_experts, std::uint64_t seed,
                                                       int threads, LayerPass pass);

}  // namespace hotexpert
