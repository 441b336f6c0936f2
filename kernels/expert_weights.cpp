#include "kernels/expert_weights.hpp"

#include <cmath>

#include "kernels/normal_data.hpp"
#include "kernels/parallel.hpp"

namespace hotexpert {
namespace {

enum class Matrix : std::uint32_t { kGate = 0, kUp = 1, kDown = 2 };

void draw_matrix(const LayerShape& shape, std::uint64_t seed, int expert, Matrix matrix,
                 std::int64_t rows, std::int64_t columns, int threads, AlignedBuffer& into) {
  const std::int64_t element = bytes_per_element(shape.dtype);
  into.reserve(rows * columns * element);
  const RandomKey key{seed, RandomPurpose::kWeights, static_cast<std::uint32_t>(matrix), 0};
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(rows)));
  // Pieces of 2^16 elements: the key's blocks hold 8, so every piece starts on a block.
  constexpr std::int64_t kPiece = 1 << 16;
  const std::int64_t pieces = (rows * columns + kPiece - 1) / kPiece;
  parallel_tasks(threads, pieces, [&](std::int64_t piece, int) {
    const std::int64_t first = piece * kPiece;
    fill_normal(key, static_cast<std::uint32_t>(expert), first,
                std::min(kPiece, rows * columns - first), scale, shape.dtype,
                into.data() + first * element);
  });
}

}  // namespace

void draw_expert_weights(const LayerShape& shape, std::uint64_t seed, int expert, int threads,
                         ExpertWeights& into) {
  const auto draw = [&](Matrix matrix, std::int64_t rows, std::int64_t columns,
                        AlignedBuffer& buffer) {
    draw_matrix(shape, seed, expert, matrix, rows, columns, threads, buffer);
  };
  if (shape.activation == Activation::kSwiglu) {
    draw(Matrix::kGate, shape.d_model, shape.d_ff, into.gate);
  }
  draw(Matrix::kUp, shape.d_model, shape.d_ff, into.up);
  draw(Matrix::kDown, shape.d_ff, shape.d_model, into.down);
}

void draw_activations(const LayerShape& shape, std::uint64_t seed, std::int64_t tokens, int threads,
                      std::byte* into) {
  const std::int64_t row_bytes = shape.d_model * bytes_per_element(shape.dtype);
  const RandomKey key{seed, RandomPurpose::kActivations, 0, 0};
  parallel_tasks(threads, tokens, [&](std::int64_t token, int) {
    fill_normal(key, static_cast<std::uint32_t>(token), 0, shape.d_model, 1.0F, shape.dtype,
                into + token * row_bytes);
  });
}

}  // namespace hotexpert
