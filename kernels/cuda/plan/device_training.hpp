#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "kernels/expert_rows.hpp"
#include "sim/core/layer_pass.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// Seconds of one training step, from events on the device. The forward half is absent where only
/// the backward pass ran.
struct TrainingTimes {
  struct Forward {
    double route_s = 0;
    double permute_s = 0;
    double expert_ffn_s = 0;
    double combine_s = 0;
  };
  std::optional<Forward> forward;
  double permute_s =
      0;  ///< gradients of the output into expert order, and those of the gate weights
  double dgrad_s = 0;
  double wgrad_s = 0;    ///< sums over parts included
  double combine_s = 0;  ///< gradients of rows into those of tokens
  double total_s = 0;
  std::optional<double> clock_hz;  ///< of the multiprocessors during the step
};

/// Gradients by the weights of one expert as the device holds them: rows are output columns of the
/// forward product.
struct DeviceGradients {
  std::vector<float> in;    ///< [in_columns, d_model]: gates then ups for SwiGLU, else ups
  std::vector<float> down;  ///< [d_model, d_ff]
};

/// A layer on the device that keeps what its backward pass needs: no CUDA type, so tests put a fake
/// in its place.
class DeviceTrainingLayer {
 public:
  virtual ~DeviceTrainingLayer() = default;
  /// Reserves buffers for `rows`, poisoned, draws activations and output gradients and makes the
  /// step ready; for the backward pass alone, runs the forward pass once.   @return a handle
  virtual int load(const ExpertRows& rows, const CudaKernelChoice& choice) = 0;
  virtual void unload() = 0;
  virtual TrainingTimes run(int handle) = 0;

  virtual std::vector<std::int32_t> read_row_of_slot(int handle) = 0;  ///< [tokens, slots]
  virtual std::vector<std::byte> read_expert_rows(int handle) = 0;     ///< y [buffer rows, d_model]
  virtual std::vector<float> read_output(int handle) = 0;              ///< [tokens, d_model]
  virtual std::vector<std::byte> read_input_rows(int handle) = 0;  ///< d_x [buffer rows, d_model]
  virtual std::vector<float> read_input_gradient(int handle) = 0;  ///< [tokens, d_model]
  virtual std::vector<float> read_gate_gradients(int handle) = 0;  ///< [tokens, slots]
  /// Of the last run() of any handle.
  virtual DeviceGradients read_gradients(int expert) = 0;
};

/// Slots of wgrad_schedule.hpp that the experts of `rows` need beyond their gradients.
/// @param split_rows as in CudaKernelChoice, resolved
std::int64_t wgrad_slots(const ExpertRows& rows, std::int32_t split_rows);

/// split_rows where a choice leaves it open (< 0): twice the mean of the experts that have rows, a
/// multiple of 64, at least 512.
std::int32_t resolved_split_rows(const ExpertRows& rows, std::int32_t split_rows);

/// The most that one tile of a weight gradient can take of its launch, whatever the routing, for
/// the bf16 kernel's 128 x 128 tiles: an expert has every token once at most, so its tile takes
/// `tokens` rows of the tokens * top_k * tiles that `blocks` blocks share, tiles being those of one
/// expert's smaller gradient. Below 1 the blocks hide a hot expert, whose tiles come first, behind
/// the others' and wgrad=split has only its sums to add; above, the hot expert can set the time.
/// @return blocks / (top_k * tiles)
double longest_wgrad_share(const LayerShape& shape, int blocks);

/// Device memory that a training layer needs beside a forward one's: transposed weights and
/// gradients.
std::int64_t training_weight_bytes(const LayerShape& shape, int num_experts);
/// … and beside a loaded forward plan's: what is kept, gradients of rows, slots.
std::int64_t training_plan_bytes(const LayerShape& shape, const ExpertRows& rows,
                                 std::int32_t split_rows);

}  // namespace hotexpert
