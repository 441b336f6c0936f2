#pragma once

#include <cstdint>

#include "kernels/column_blocks.hpp"
#include "kernels/expert_weights.hpp"

namespace hotexpert {

/// The two matrix products of an expert, a tile (rows × one column block) at a time: what a
/// strategy's tasks call. Tiles run on one thread each, many at a time; a tile's result depends on
/// its rows alone, never on threads.
class TileEngine {
 public:
  virtual ~TileEngine() = default;

  [[nodiscard]] virtual ColumnBlocks input_blocks() const = 0;   ///< of d_model, in x
  [[nodiscard]] virtual ColumnBlocks hidden_blocks() const = 0;  ///< of d_ff, in h
  [[nodiscard]] virtual ColumnBlocks output_blocks() const = 0;  ///< of d_model, in y

  /// Copies and packs one expert's weights.
  virtual void set_weights(int expert, const ExpertWeights& weights) = 0;
  /// Makes ready for tiles of `rows` rows. Not thread-safe.
  virtual void prepare(int rows) = 0;

  /// h[0 … rows, block] = act(x · gate[:, block]) * (x · up[:, block]), or act(x · up[:, block]).
  virtual void up(int expert, int rows, const RowsView& x, std::int64_t block, const RowsBuffer& h,
                  int thread) = 0;
  /// y[0 … rows, block] = h · down[:, block].   @param y [rows, d_model] row-major
  virtual void down(int expert, int rows, const RowsView& h, std::int64_t block, std::byte* y,
                    int thread) = 0;
};

}  // namespace hotexpert
