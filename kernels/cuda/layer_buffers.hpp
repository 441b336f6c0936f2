#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/cuda/device_buffer.hpp"
#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "kernels/cuda/plan/normal_element.hpp"
#include "kernels/cuda/plan/route_phases.hpp"
#include "kernels/cuda/plan/router_logits.hpp"
#include "kernels/cuda/plan/router_top_k_phases.hpp"
#include "kernels/expert_rows.hpp"
#include "sim/base/random.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// Weights of all experts of one layer as the products read them: rows are output columns.
struct DeviceWeights {
  DeviceBuffer in;    ///< [experts, in_rows, d_model]: gates then ups for SwiGLU, else ups
  DeviceBuffer down;  ///< [experts, d_model, d_ff]
};

/// Output columns of the first product: 2 * d_ff for SwiGLU.
std::int64_t in_columns(const LayerShape& shape);

/// Where layers draw from. @param quantiles device copy of normal_quantiles()
NormalSequence normal_sequence(std::uint64_t seed, RandomPurpose purpose, std::uint32_t step,
                               float scale, const DeviceBuffer& quantiles);

/// Matrices as draw_expert_weights() numbers them.
enum class ExpertMatrix : std::uint32_t { kGate = 0, kUp = 1, kDown = 2 };

/// Puts the drawing of one matrix of one expert on the default stream: row-major as on the host, or
/// transposed.
void launch_expert_matrix(const LayerShape& shape, std::uint64_t seed, int expert,
                          ExpertMatrix matrix, bool transposed, const DeviceBuffer& quantiles,
                          void* to);

/// Draws the weights that draw_expert_weights() draws on the host, transposed. Synchronises.
/// @param quantiles device copy of normal_quantiles()
DeviceWeights draw_device_weights(const LayerShape& shape, std::uint64_t seed, int num_experts,
                                  const DeviceBuffer& quantiles);

/// Everything of one loaded plan on the device.
struct PlanBuffers {
  ExpertRows rows;          ///< on the host: what the device will lay out too
  CudaKernelChoice choice;  ///< how the experts run
  int chunk = 0;            ///< assignments a block counts
  int chunks = 0;
  LayoutRules rules;

  RouterSize router;            ///< top_k 0: no routed slots
  DeviceBuffer logits;          ///< [tokens, router.num_experts] fp32
  DeviceBuffer chosen;          ///< [tokens, router.top_k] int32
  DeviceBuffer chosen_weight;   ///< [tokens, router.top_k] fp32
  DeviceBuffer invalid_token;   ///< [tokens] int32
  DeviceBuffer expert_of_slot;  ///< [tokens, slots] int32, -1: no row
  DeviceBuffer weight_of_slot;  ///< [tokens, slots] fp32
  DeviceBuffer row_of_slot;     ///< [tokens, slots] int32
  DeviceBuffer counts;          ///< [chunks, E] int32
  DeviceBuffer first_row, kept, computed, order, tiles_before;  ///< ExpertLayout
  PinnedBuffer kept_on_host;                                    ///< [E] int32, see wait_for_sizes()
  DeviceBuffer counters;                                        ///< [2] uint64, tiles taken
  DeviceBuffer activations;                                     ///< [tokens, d_model]
  DeviceBuffer x;       ///< [buffer rows, d_model], experts in order
  DeviceBuffer stored;  ///< [buffer rows, in_columns]: unfused products only
  DeviceBuffer hidden;  ///< [buffer rows, d_ff]
  DeviceBuffer y;       ///< [buffer rows, d_model]
  DeviceBuffer out;     ///< [tokens, d_model] fp32

  /// Fills what a step writes with NaN and -1, so that a value read before it is written shows.
  void poison();
  [[nodiscard]] int num_experts() const { return static_cast<int>(rows.experts.size()); }
  [[nodiscard]] ExpertLayout layout() const;
  [[nodiscard]] TileTable table() const;
  [[nodiscard]] Assignments assignments() const;
  [[nodiscard]] RouterTopK router_top_k() const;
};

/// What every framework does whose products take sizes from the host: copies the kept rows of the
/// experts back and waits for them.   @throws DeviceError when they are not the plan's
void wait_for_sizes(const PlanBuffers& plan, DeviceStream stream, std::string_view what);

/// Reserves and poisons the buffers, uploads ids and gate weights, draws the activations.
PlanBuffers make_plan_buffers(const LayerShape& shape, std::uint64_t seed, const ExpertRows& rows,
                              const CudaKernelChoice& choice, const DeviceBuffer& quantiles);

}  // namespace hotexpert
