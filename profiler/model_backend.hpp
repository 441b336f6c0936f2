#pragma once

#include <memory>

#include "profiler/layer_backend.hpp"

namespace hotexpert {

/// The cost laws of sim/model as a backend: run() returns what predict() says of the loaded plan on
/// `options.device`, the same each time, provenance `modelled`. Nothing is computed: there is no
/// output to read or verify. Kernels: those of the families with a law (grouped, loop, padded).
/// Without a device it can be listed, not prepared.
std::unique_ptr<LayerBackend> make_model_backend(const BackendOptions& options);

}  // namespace hotexpert
