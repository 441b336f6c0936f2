#pragma once

#include <memory>
#include <string>

#include "kernels/cuda/plan/device_layer.hpp"
#include "profiler/layer_backend.hpp"

namespace hotexpert {

/// A CUDA kernel as the backward pass runs it: tiles of one block, in a static order, results
/// stored by threads.
CudaKernelChoice choose_training_kernel(const LayerShape& shape, const std::string& kernel,
                                        std::int64_t tokens, const CudaDevice& device);

/// Why `kernel` has no backward pass on a device, and what has; nullopt when it has one.
std::optional<std::string> training_unsupported(const LayerShape& shape, const std::string& kernel,
                                                const CudaDevice& device);

/// A layer on a CUDA device whose run() is the backward pass, or forward and backward: phases,
/// output and checks as of make_cpu_training_layer(). The caller has made sure that the weights
/// and their gradients fit.
/// @param num_experts physical and shared   @param pass backward or training
std::unique_ptr<PreparedLayer> make_cuda_training_layer(std::shared_ptr<DeviceRuntime> runtime,
                                                        const LayerShape& shape,
                                                        const std::string& kernel, int num_experts,
                                                        std::uint64_t seed, int threads,
                                                        LayerPass pass);

}  // namespace hotexpert
