#pragma once

#include "kernels/column_blocks.hpp"
#include "kernels/expert_rows.hpp"

namespace hotexpert {

/// Gathers token activations into expert order: row r of `into` = row source_token[r] of
/// `activations`; padding rows become zero. Bound by memory bandwidth: each row is read and written
/// once.
/// @param activations [tokens, into.blocks.columns] row-major, data type of `into`
/// @param into rows.buffer_rows() rows
void permute(const ExpertRows& rows, const std::byte* activations, const RowsBuffer& into,
             int threads);

/// Adds up what the experts made of each token: out[t] = sum over slots s of weight[t, s] *
/// y[row[t, s]], in fp32, in slot order on one thread: the same bits for any thread count. A token
/// without rows gives zeros.
/// @param expert_out [buffer rows, d_model] row-major   @param out [tokens, d_model]
void combine(const ExpertRows& rows, const std::byte* expert_out, DataType dtype,
             std::int64_t d_model, float* out, int threads);

}  // namespace hotexpert
