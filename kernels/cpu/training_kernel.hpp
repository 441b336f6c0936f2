#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/column_blocks.hpp"
#include "kernels/expert_rows.hpp"
#include "kernels/expert_weights.hpp"
#include "kernels/tile_grid.hpp"

namespace hotexpert {

/// Gradients by the weights of one expert, fp32, row-major like the weights.
struct ExpertGradients {
  std::vector<float> gate;  ///< [d_model, d_ff]; SwiGLU only
  std::vector<float> up;    ///< [d_model, d_ff]
  std::vector<float> down;  ///< [d_ff, d_model]
};

/// The experts of a layer over one arrangement of rows, forward and backward, ready to run again
/// and again: forward, then dgrad, then wgrad, as the later ones read what the earlier kept.
/// Creates no primitives.
class TrainingPass {
 public:
  virtual ~TrainingPass() = default;
  /// y[r] = expert of row r (x[r]); keeps what the backward pass reads.
  /// @param x rows in the kernel's input_blocks()   @param y [buffer rows, d_model] row-major
  virtual void forward(const RowsView& x, std::byte* y) = 0;
  /// d_x[r] = gradient by x[r], from d_y[r].
  /// @param d_y rows in input_blocks(); padding rows are zero   @param d_x [buffer rows, d_model]
  /// row-major
  virtual void dgrad(const RowsView& d_y, std::byte* d_x) = 0;
  /// The gradients by all weights, in the kernel's memory.   @param x, d_y as above
  virtual void wgrad(const RowsView& x, const RowsView& d_y) = 0;
  /// From here on each pass also writes when, and on which thread, each tile was computed, as a
  /// band of the grid, behind those of the passes before it. Untraced passes have no clock in them.
  /// @param tiles overwritten, and read from until the next call; nullptr: no longer
  virtual void trace(TileRecords* tiles) = 0;
};

/// One way to compute an expert layer and its gradients on the CPU, holding weights in the forms
/// that both need and the fp32 gradients of all of them.
class CpuTrainingKernel {
 public:
  virtual ~CpuTrainingKernel() = default;

  [[nodiscard]] virtual ExpertRows arrange(const DispatchPlan& plan) const = 0;
  [[nodiscard]] virtual ColumnBlocks input_blocks() const = 0;
  /// Takes a copy of one expert's weights. Every expert's must be set before a pass runs.
  virtual void set_weights(int expert, const ExpertWeights& weights) = 0;
  /// The kernel must outlive the pass; passes share gradients and workspace, so they run one at a
  /// time. Each keeps its own activations between forward and backward.
  virtual std::unique_ptr<TrainingPass> prepare(const ExpertRows& rows) = 0;
  /// Fills workspace and gradients with NaN, so that a value which is read before it is written
  /// shows.
  virtual void poison_workspace() = 0;
  /// What the last wgrad() left.
  [[nodiscard]] virtual ExpertGradients gradients(int expert) const = 0;
};

}  // namespace hotexpert
