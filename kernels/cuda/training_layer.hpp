#pragma once

#include <memory>

#include "kernels/cuda/plan/cuda_device.hpp"
#include "kernels/cuda/plan/device_training.hpp"

namespace hotexpert {

/// A layer with its backward pass on the CUDA device. @param pass backward or training   @throws
/// DeviceError
std::unique_ptr<DeviceTrainingLayer> make_training_layer(const LayerShape& shape, int num_experts,
                                                         std::uint64_t seed, LayerPass pass,
                                                         const CudaDevice& device);

}  // namespace hotexpert
