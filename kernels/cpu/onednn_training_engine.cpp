#include "kernels/cpu/onednn_training_engine.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/onednn_engine.hpp"
#include "kernels/cpu/tile_store.hpp"
#include "kernels/cpu/vector_loops.hpp"

namespace hotexpert {
namespace {

/// Most rows that one primitive of a weight gradient sums: its operands and its tile stay in the
/// second-level cache.
constexpr int kGradientRows = 256;

RowsView view(const RowsBuffer& rows) {
  return {rows.data, rows.rows, rows.blocks, rows.dtype, rows.first_row};
}

}  // namespace

OnednnTrainingEngine::OnednnTrainingEngine(const LayerShape& shape, int num_experts, int max_rows,
                                           int threads)
    : shape_(shape),
      threads_(threads),
      input_(onednn_input_blocks(shape)),
      hidden_(onednn_hidden_blocks(shape)),
      output_(onednn_output_blocks(shape)),
      to_hidden_(input_, hidden_, shape.dtype, max_rows),
      to_output_(hidden_, output_, shape.dtype, max_rows),
      input_by_hidden_(input_, hidden_, shape.dtype),
      hidden_by_input_(hidden_, input_, shape.dtype),
      experts_(static_cast<std::size_t>(num_experts)) {
  const std::int64_t tile =
      max_rows * std::max(hidden_.width, output_.width) * static_cast<std::int64_t>(sizeof(float));
  for (int t = 0; t < threads; ++t)
    scratch_.push_back({AlignedBuffer(tile), AlignedBuffer(tile), AlignedBuffer(tile),
                        PackedGemm::make_scratch()});
}

std::vector<std::int64_t> OnednnTrainingEngine::gradient_tiles(WeightMatrix matrix) const {
  std::vector<std::int64_t> elements;
  if (matrix == WeightMatrix::kGate && !gated()) return elements;
  for (std::int64_t tile = 0; tile < outer(matrix).tiles(); ++tile)
    elements.push_back(outer(matrix).tile_elements(tile));
  return elements;
}

void OnednnTrainingEngine::set_weights(int expert, const ExpertWeights& weights) {
  auto& into = experts_[static_cast<std::size_t>(expert)];
  if (gated()) {
    into.gate = to_hidden_.pack(weights.gate.data(), threads_);
    into.gate_transposed = to_output_.pack_transposed(weights.gate.data(), threads_);
  }
  into.up = to_hidden_.pack(weights.up.data(), threads_);
  into.up_transposed = to_output_.pack_transposed(weights.up.data(), threads_);
  into.down = to_output_.pack(weights.down.data(), threads_);
  into.down_transposed = to_hidden_.pack_transposed(weights.down.data(), threads_);
}

void OnednnTrainingEngine::prepare_tile(int rows) {
  to_hidden_.prepare(rows);
  to_output_.prepare(rows);
  for (auto& scratch : scratch_)
    scratch.gemm.memory.reserve(std::max(to_hidden_.scratch_bytes(), to_output_.scratch_bytes()));
}

void OnednnTrainingEngine::prepare_gradient(std::int64_t rows) {
  for (const int chunk : tile_row_counts(rows, kGradientRows)) {
    input_by_hidden_.prepare(chunk);
    hidden_by_input_.prepare(chunk);
  }
  for (auto& scratch : scratch_)
    scratch.gemm.memory.reserve(
        std::max(input_by_hidden_.scratch_bytes(), hidden_by_input_.scratch_bytes()));
}

void OnednnTrainingEngine::up(int expert, int rows, const RowsView& x, std::int64_t block,
                              const KeptRows& kept, int thread) {
  auto& scratch = scratch_[static_cast<std::size_t>(thread)];
  const auto& weights = experts_[static_cast<std::size_t>(expert)];
  const std::int64_t count = rows * hidden_.size(block);
  float* values = scratch.values.as<float>();
  float* gate = scratch.gate.as<float>();
  to_hidden_.run(rows, x, weights.up, block, values, scratch.gemm);
  store_tile(values, count, shape_.dtype, kept.up.at(block));
  if (gated()) {
    to_hidden_.run(rows, x, weights.gate, block, gate, scratch.gemm);
    store_tile(gate, count, shape_.dtype, kept.gate.at(block));
  }
  activate(shape_.activation, gate, values, count);
  store_tile(values, count, shape_.dtype, kept.hidden.at(block));
}

void OnednnTrainingEngine::down(int expert, int rows, const KeptRows& kept, std::int64_t block,
                                std::byte* y, int thread) {
  auto& scratch = scratch_[static_cast<std::size_t>(thread)];
  float* values = scratch.values.as<float>();
  to_output_.run(rows, view(kept.hidden), experts_[static_cast<std::size_t>(expert)].down, block,
                 values, scratch.gemm);
  store_columns(values, rows, output_, block, shape_.dtype, y);
}

void OnednnTrainingEngine::hidden_gradient(int expert, int rows, const RowsView& d_y,
                                           std::int64_t block, const KeptRows& kept, int thread) {
  auto& scratch = scratch_[static_cast<std::size_t>(thread)];
  const std::int64_t count = rows * hidden_.size(block);
  float* d_hidden = scratch.gradient.as<float>();
  float* values = scratch.values.as<float>();
  float* gate = scratch.gate.as<float>();
  to_hidden_.run(rows, d_y, experts_[static_cast<std::size_t>(expert)].down_transposed, block,
                 d_hidden, scratch.gemm);
  load_tile(kept.up.at(block), count, shape_.dtype, values);
  if (gated()) load_tile(kept.gate.at(block), count, shape_.dtype, gate);
  activate_backward(shape_.activation, d_hidden, gate, values, count);
  store_tile(values, count, shape_.dtype, kept.d_up.at(block));
  if (gated()) store_tile(gate, count, shape_.dtype, kept.d_gate.at(block));
}

void OnednnTrainingEngine::input_gradient(int expert, int rows, const KeptRows& kept,
                                          std::int64_t block, std::byte* d_x, int thread) {
  auto& scratch = scratch_[static_cast<std::size_t>(thread)];
  const auto& weights = experts_[static_cast<std::size_t>(expert)];
  float* values = scratch.values.as<float>();
  to_output_.run(rows, view(kept.d_up), weights.up_transposed, block, values, scratch.gemm);
  if (gated()) {
    float* through_gate = scratch.gate.as<float>();
    to_output_.run(rows, view(kept.d_gate), weights.gate_transposed, block, through_gate,
                   scratch.gemm);
    add(through_gate, values, rows * output_.size(block));
  }
  store_columns(values, rows, output_, block, shape_.dtype, d_x);
}

void OnednnTrainingEngine::weight_gradient(WeightMatrix matrix, std::int64_t tile,
                                           std::int64_t rows, const RowsView& x,
                                           const RowsView& d_y, const KeptRows& kept, float* into,
                                           int thread) {
  const auto& gemm = outer(matrix);
  if (rows == 0) {
    std::memset(into, 0, static_cast<std::size_t>(gemm.tile_elements(tile)) * sizeof(float));
    return;
  }
  RowsView left = x;
  RowsView right = view(kept.d_up);
  if (matrix == WeightMatrix::kGate) right = view(kept.d_gate);
  if (matrix == WeightMatrix::kDown) {
    left = view(kept.hidden);
    right = d_y;
  }
  std::int64_t done = 0;
  for (const int chunk : tile_row_counts(rows, kGradientRows)) {
    gemm.run(chunk, left.from(done), right.from(done), tile, done > 0, into,
             scratch_[static_cast<std::size_t>(thread)].gemm);
    done += chunk;
  }
}

std::vector<float> OnednnTrainingEngine::row_major_gradient(WeightMatrix matrix,
                                                            const float* tiles) const {
  const auto& gemm = outer(matrix);
  std::vector<float> dense(static_cast<std::size_t>(gemm.left().columns * gemm.right().columns));
  for (std::int64_t tile = 0; tile < gemm.tiles(); ++tile) {
    const std::int64_t left = tile / gemm.right().count();
    const std::int64_t right = tile % gemm.right().count();
    const float* from = tiles + gemm.tile_begin(tile);
    for (std::int64_t row = 0; row < gemm.left().size(left); ++row) {
      const std::int64_t to =
          (gemm.left().begin(left) + row) * gemm.right().columns + gemm.right().begin(right);
      std::memcpy(dense.data() + to, from + row * gemm.right().size(right),
                  static_cast<std::size_t>(gemm.right().size(right)) * sizeof(float));
    }
  }
  return dense;
}

}  // namespace hotexpert
