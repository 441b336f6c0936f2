#pragma once

#include <cstdint>

#include "kernels/cuda/layer_buffers.hpp"
#include "kernels/cuda/plan/wgrad_schedule.hpp"

namespace hotexpert {

/// Weights of all experts for both directions, and their gradients.
struct TrainingWeights {
  DeviceWeights forward;
  DeviceBuffer in_rows;    ///< [experts, d_model, in_columns]: what dgrad multiplies the
                           ///< pre-activations' gradients by
  DeviceBuffer down_rows;  ///< [experts, d_ff, d_model]: … and those of y
  DeviceBuffer d_in;       ///< [experts, in_columns, d_model] fp32
  DeviceBuffer d_down;     ///< [experts, d_model, d_ff] fp32
};

/// Draws the weights and poisons the gradients. Synchronises. @param quantiles device copy of
/// normal_quantiles()
TrainingWeights draw_training_weights(const LayerShape& shape, std::uint64_t seed, int num_experts,
                                      const DeviceBuffer& quantiles);

/// What a loaded plan has beside its forward buffers.
struct TrainingBuffers {
  PlanBuffers plan;
  DeviceBuffer kept;                 ///< [buffer rows, in_columns]: pre-activations
  DeviceBuffer d_out;                ///< [tokens, d_model] gradient of the output
  DeviceBuffer d_y;                  ///< [buffer rows, d_model]
  DeviceBuffer d_hidden;             ///< [buffer rows, d_ff]
  DeviceBuffer d_kept;               ///< [buffer rows, in_columns]
  DeviceBuffer d_x;                  ///< [buffer rows, d_model]
  DeviceBuffer d_in;                 ///< [tokens, d_model] fp32 gradient of the input
  DeviceBuffer d_weight;             ///< [tokens, slots] fp32 gradients of the gate weights
  DeviceBuffer ones;                 ///< [tokens, slots] fp32
  DeviceBuffer order, parts_before;  ///< WgradTable, [E] and [E + 1]
  DeviceBuffer slots;                ///< [slots, largest gradient] fp32; none: nothing is split
  std::int32_t split_rows = 0;
  std::int64_t num_slots = 0;

  /// Fills what a step writes with NaN.
  void poison();
  [[nodiscard]] WgradTable table() const;
};

/// Reserves and poisons the buffers, draws activations and output gradients.
TrainingBuffers make_training_buffers(const LayerShape& shape, std::uint64_t seed,
                                      const ExpertRows& rows, const CudaKernelChoice& choice,
                                      const DeviceBuffer& quantiles);

}  // namespace hotexpert
