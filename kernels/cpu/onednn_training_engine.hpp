#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/outer_gemm.hpp"
#include "kernels/cpu/packed_gemm.hpp"
#include "kernels/cpu/wgrad_plan.hpp"
#include "kernels/expert_weights.hpp"

namespace hotexpert {

/// What forward keeps for the backward pass, and what dgrad keeps for wgrad: rows in
/// hidden_blocks(), the layer's data type.
struct KeptRows {
  RowsBuffer gate;    ///< x · gate; SwiGLU only
  RowsBuffer up;      ///< x · up
  RowsBuffer hidden;  ///< h
  RowsBuffer d_gate;  ///< gradient by x · gate; SwiGLU only
  RowsBuffer d_up;    ///< gradient by x · up

  [[nodiscard]] KeptRows from(std::int64_t row) const {
    return {gate.from(row), up.from(row), hidden.from(row), d_gate.from(row), d_up.from(row)};
  }
};

/// Forward, dgrad and wgrad of an expert by oneDNN, a tile at a time, as OnednnEngine is for the
/// forward pass alone. Holds weights packed for both directions. Sums are fp32; bf16 rounds what is
/// stored: y, h, the kept pre-activations and their gradients, d_x.
class OnednnTrainingEngine {
 public:
  /// @param max_rows most rows of a tile of forward and dgrad
  OnednnTrainingEngine(const LayerShape& shape, int num_experts, int max_rows, int threads);

  [[nodiscard]] const ColumnBlocks& input_blocks() const { return input_; }
  [[nodiscard]] const ColumnBlocks& hidden_blocks() const { return hidden_; }
  [[nodiscard]] const ColumnBlocks& output_blocks() const { return output_; }
  /// Elements of each tile of a weight gradient; none for a matrix the layer does not have.
  [[nodiscard]] std::vector<std::int64_t> gradient_tiles(WeightMatrix matrix) const;

  void set_weights(int expert, const ExpertWeights& weights);
  /// Makes ready for tiles of `rows` rows. Not thread-safe.
  void prepare_tile(int rows);
  /// Makes ready for a weight gradient over `rows` rows. Not thread-safe.
  void prepare_gradient(std::int64_t rows);

  // Rows are passed from their first on.
  /// kept.gate, kept.up, kept.hidden [0 … rows, block] from x.
  void up(int expert, int rows, const RowsView& x, std::int64_t block, const KeptRows& kept,
          int thread);
  /// y[0 … rows, block of output_blocks()] = h · down.   @param y [rows, d_model] row-major
  void down(int expert, int rows, const KeptRows& kept, std::int64_t block, std::byte* y,
            int thread);
  /// kept.d_gate, kept.d_up [0 … rows, block] from d_y · down^T.
  void hidden_gradient(int expert, int rows, const RowsView& d_y, std::int64_t block,
                       const KeptRows& kept, int thread);
  /// d_x[0 … rows, block of output_blocks()] = d_gate · gate^T + d_up · up^T.
  void input_gradient(int expert, int rows, const KeptRows& kept, std::int64_t block,
                      std::byte* d_x, int thread);
  /// into = tile of the gradient over `rows` rows, summed in order.   @param rows was prepared; 0
  /// gives zeros
  void weight_gradient(WeightMatrix matrix, std::int64_t tile, std::int64_t rows, const RowsView& x,
                       const RowsView& d_y, const KeptRows& kept, float* into, int thread);
  /// The row-major matrix of a gradient that lies tile after tile.
  [[nodiscard]] std::vector<float> row_major_gradient(WeightMatrix matrix,
                                                      const float* tiles) const;

 private:
  struct Expert {
    PackedGemm::Weights gate, up, down;
    PackedGemm::Weights gate_transposed, up_transposed, down_transposed;
  };
  struct ThreadScratch {
    AlignedBuffer gate, values, gradient;
    PackedGemm::Scratch gemm;
  };

  [[nodiscard]] bool gated() const { return shape_.activation == Activation::kSwiglu; }
  [[nodiscard]] const OuterGemm& outer(WeightMatrix matrix) const {
    return matrix == WeightMatrix::kDown ? hidden_by_input_ : input_by_hidden_;
  }

  LayerShape shape_;
  int threads_;
  ColumnBlocks input_;
  ColumnBlocks hidden_;
  ColumnBlocks output_;
  PackedGemm to_hidden_;  ///< of d_model columns in input blocks to d_ff: x · up, d_y · down^T
  PackedGemm to_output_;  ///< of d_ff columns to d_model: h · down, d_up · up^T
  OuterGemm input_by_hidden_;
  OuterGemm hidden_by_input_;
  std::vector<Expert> experts_;
  std::vector<ThreadScratch> scratch_;  // [threads]
};

}  // namespace hotexpert
