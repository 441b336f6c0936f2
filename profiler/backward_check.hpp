#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/cpu/training_kernel.hpp"
#include "profiler/layer_check.hpp"

namespace hotexpert {

/// What a backend's backward pass computed, for comparison with fp64.
struct BackwardOutput {
  const ExpertRows* rows = nullptr;
  const std::byte* activations = nullptr;  ///< [tokens, d_model] row-major, the layer's data type
  const std::byte* output_gradient = nullptr;  ///< [tokens, d_model] likewise: dL/d(layer's output)
  const std::byte* input_rows = nullptr;  ///< [buffer rows, d_model] likewise: dL/dx of each row
  const float* input_gradient = nullptr;  ///< [tokens, d_model] dL/d(layer's input)
  const float* gate_gradient = nullptr;   ///< [tokens, slots] dL/d(gate weight)
  std::function<ExpertGradients(int expert)> weight_gradients;
};

/// Draws the gradient of the layer's output [tokens, d_model], standard normal, in the layer's data
/// type: row t depends on (seed, t) alone.
void draw_output_gradient(const LayerShape& shape, std::uint64_t seed, std::int64_t tokens,
                          int threads, std::byte* into);

/// Hidden columns of an expert whose weight gradients are compared: all when `all`, else the first,
/// the last, one in every 512 between, and four drawn from (seed, expert). Ascending, distinct.
std::vector<std::int64_t> checked_columns(std::int64_t d_ff, bool all, std::uint64_t seed,
                                          int expert);

/// The largest ||out - ref|| / ||ref||, for each expert of its rows' dL/dx and of each of its
/// weight gradients, over all its tokens; for a few tokens of the summed dL/d(input) and of
/// dL/d(gate weight). Rows and hidden columns are all of them while the forward pass is at most
/// 0.25 GFLOP, else checked_rows() and checked_columns(). A column is a sum over every row of its
/// expert, so a row that was left out or counted twice shows in each of them. Rows and columns with
/// a value at the corner of ReLU are left out: there rounding decides. An expert without rows has
/// to have zero gradients; anything else is an infinite error.
LayerError check_backward(const LayerShape& shape, std::uint64_t seed, const BackwardOutput& output,
                          int threads);

}  // namespace hotexpert
