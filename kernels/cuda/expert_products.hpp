#pragma once

#include <memory>

#include "kernels/cuda/layer_buffers.hpp"
#include "kernels/cuda/stream.hpp"
#include "kernels/tile_record.hpp"

namespace hotexpert {

/// Where a traced pass writes; null: untraced.
struct TraceBuffers {
  TileRecord* up = nullptr;
  TileRecord* down = nullptr;
};

/// Both products of all experts of one loaded plan, by its strategy and engine, ready to be put on
/// a stream again and again. `plan` and `weights` must outlive it.
class ExpertProducts {
 public:
  virtual ~ExpertProducts() = default;
  /// Puts y = experts(x) on the stream. Sizes come from plan.rows (strategies that need them on the
  /// host) or from the device.
  virtual void enqueue(DeviceStream stream, const TraceBuffers& trace) = 0;
};

/// Products by kernels of this program: grouped, padded, loop and streams.
std::unique_ptr<ExpertProducts> make_own_products(const LayerShape& shape, const PlanBuffers& plan,
                                                  const DeviceWeights& weights);
/// Products by cuBLAS: library, padded, loop and streams. @throws DeviceError without cuBLAS
std::unique_ptr<ExpertProducts> make_cublas_products(const LayerShape& shape, PlanBuffers& plan,
                                                     const DeviceWeights& weights,
                                                     DeviceStream stream);
/// Products by the plugin of plan.choice. @throws PluginError, InputError
std::unique_ptr<ExpertProducts> make_plugin_products(const LayerShape& shape, PlanBuffers& plan,
                                                     const DeviceWeights& weights);

}  // namespace hotexpert
