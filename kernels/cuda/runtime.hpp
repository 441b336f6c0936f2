#pragma once

#include <memory>

#include "kernels/cuda/plan/device_layer.hpp"

namespace hotexpert {

/// The first CUDA device. Never fails: device().unavailable says what is missing.
std::unique_ptr<DeviceRuntime> make_device_runtime();

}  // namespace hotexpert
