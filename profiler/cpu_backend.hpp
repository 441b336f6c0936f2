#pragma once

#include <memory>

#include "profiler/layer_backend.hpp"

namespace hotexpert {

/// Expert kernels of kernels/cpu on `threads` threads; 0 = as many as OpenMP offers.
/// @param pass what its layers run; kernels without a backward pass say so
std::unique_ptr<LayerBackend> make_cpu_backend(int threads, LayerPass pass = LayerPass::kForward);

}  // namespace hotexpert
