#include "kernels/cuda/plan/layer_memory.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hotexpert {
namespace {

constexpr std::int64_t kSmallestChunk = 512;
constexpr std::int64_t kLargestChunk = 4096;
constexpr std::int64_t kWantedChunks = 256;
constexpr std::int64_t kIndexBytes = 4;

double gib(std::int64_t bytes) { return static_cast<double>(bytes) / (std::int64_t{1} << 30); }

}  // namespace

int assignments_per_chunk(std::int64_t assignments) {
  // A power of two: blocks read ids in 16-byte pieces.
  std::int64_t chunk = kSmallestChunk;
  while (chunk < kLargestChunk && chunk * kWantedChunks < assignments) chunk *= 2;
  return static_cast<int>(chunk);
}

int chunk_count(std::int64_t assignments) {
  const std::int64_t chunk = assignments_per_chunk(assignments);
  return static_cast<int>(std::max<std::int64_t>(1, (assignments + chunk - 1) / chunk));
}

std::int64_t weight_set_bytes(const LayerShape& shape, int num_experts, int weight_sets) {
  return weight_bytes_per_expert(shape) * num_experts * weight_sets;
}

LayerBytes plan_bytes(const LayerShape& shape, int num_experts, const RowCounts& counts,
                      bool fused_activation) {
  const std::int64_t element = bytes_per_element(shape.dtype);
  const std::int64_t assignments = counts.tokens * counts.slots;
  LayerBytes bytes;
  bytes.activations = counts.tokens * shape.d_model * (element + std::int64_t{sizeof(float)});
  std::int64_t values_a_row = 2 * shape.d_model + shape.d_ff;
  if (!fused_activation) values_a_row += (matrices_per_expert(shape.activation) - 1) * shape.d_ff;
  bytes.expert_rows = counts.buffer_rows * values_a_row * element;
  // ids, gate weights, row numbers; counts of every chunk; the tile table's five arrays
  bytes.routing = 3 * kIndexBytes * assignments +
                  kIndexBytes * num_experts * std::int64_t{chunk_count(assignments)} +
                  kIndexBytes * (6 * std::int64_t{num_experts} + 8);
  // the router's logits; its ids and weights; a flag a token
  bytes.routing += counts.tokens * kIndexBytes * (num_experts + std::int64_t{2} * counts.slots + 1);
  return bytes;
}

std::string out_of_memory_text(const LayerBytes& needed, std::int64_t free_bytes) {
  return fmt::format(
      "the layer needs {:.2f} GiB of device memory (weights {:.2f}, tokens {:.2f}, expert rows "
      "{:.2f}, routing {:.2f}, workspace {:.2f}) and {:.2f} GiB are free; lower step.tokens, raise "
      "layer.scale, or choose a kernel that does not pad",
      gib(needed.total()), gib(needed.weights), gib(needed.activations), gib(needed.expert_rows),
      gib(needed.routing), gib(needed.workspace), gib(free_bytes));
}

}  // namespace hotexpert
