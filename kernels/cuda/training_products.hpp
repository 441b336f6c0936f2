#pragma once

#include <memory>

#include "kernels/cuda/stream.hpp"
#include "kernels/cuda/training_buffers.hpp"

namespace hotexpert {

/// The products of the experts of one loaded plan, forward and backward, by its strategy and
/// engine. Buffers and weights must outlive it.
///   forward   x · in^T -> kept, activation -> hidden, hidden · down^T -> y
///   dgrad     d_y · down_rows^T -> d_hidden, activation -> d_kept, d_kept · in_rows^T -> d_x
///   wgrad     d_kept^T · x -> d_in, d_y^T · hidden -> d_down, each over the rows of an expert
class TrainingProducts {
 public:
  virtual ~TrainingProducts() = default;
  virtual void forward(DeviceStream stream) = 0;
  virtual void dgrad(DeviceStream stream) = 0;
  virtual void wgrad(DeviceStream stream) = 0;
};

/// By kernels of this program: grouped, padded, loop and streams. Weight gradients run on mma.sync,
/// also where forward and dgrad run on wgmma.
std::unique_ptr<TrainingProducts> make_own_training(const LayerShape& shape,
                                                    const TrainingBuffers& buffers,
                                                    const TrainingWeights& weights);
/// By cuBLAS: library, padded, loop and streams. Its grouped product has no fp32 result for bf16,
/// so weight gradients of `library` are a call an expert.   @throws DeviceError without cuBLAS
std::unique_ptr<TrainingProducts> make_cublas_training(const LayerShape& shape,
                                                       const TrainingBuffers& buffers,
                                                       const TrainingWeights& weights,
                                                       DeviceStream stream);

}  // namespace hotexpert
