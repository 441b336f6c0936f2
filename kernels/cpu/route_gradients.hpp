#pragma once

#include "kernels/column_blocks.hpp"
#include "kernels/expert_rows.hpp"

namespace hotexpert {

/// The backward of combine(): row r of `d_y` = weight[t, s] * d_out[t] for the row of (t, s),
/// padding rows zero, and d_weight[t, s] = y[r] · d_out[t], 0 where a slot has no row. Each row of
/// d_out is read once for all slots of its token.
/// @param d_out [tokens, d_model] row-major   @param y [buffer rows, d_model] row-major, what
/// forward gave; both of the data type of `d_y`   @param d_weight [tokens, slots]
void combine_backward(const ExpertRows& rows, const std::byte* d_out, const std::byte* y,
                      const RowsBuffer& d_y, float* d_weight, int threads);

/// What combine() needs to sum gradients by expert rows into those by tokens, the backward of
/// permute(): the same rows, every weight 1.
ExpertRows unweighted(ExpertRows rows);

}  // namespace hotexpert
