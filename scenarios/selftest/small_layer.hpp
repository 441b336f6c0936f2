#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "profiler/layer_backend.hpp"
#include "sim/core/dispatch_plan.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// A skewed batch of `tokens` tokens (zipf), planned dropless for the shape.
DispatchPlan small_plan(const LayerShape& shape, std::int64_t tokens);

/// A layer that holds one loaded plan, ready to run.
struct SmallLayer {
  SmallLayer(LayerBackend& backend, const LayerShape& shape, const std::string& kernel,
             std::int64_t tokens);
  std::unique_ptr<PreparedLayer> layer;
  int handle = 0;
};

}  // namespace hotexpert
