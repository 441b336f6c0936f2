#pragma once

#include <memory>

#include "profiler/layer_backend.hpp"

namespace hotexpert {

/// The CUDA backend, or one that says why there is none: CMake links cuda_backend.cpp where nvcc is
/// found, else cuda_backend_absent.cpp. @param threads not used by a device
std::unique_ptr<LayerBackend> make_cuda_backend(int threads, LayerPass pass = LayerPass::kForward);

}  // namespace hotexpert
