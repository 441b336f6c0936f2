#pragma once

#include <cstdint>
#include <string>

#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// Device memory of a prepared layer, bytes: known before anything is allocated.
struct LayerBytes {
  std::int64_t weights = 0;
  std::int64_t activations = 0;  ///< tokens in, and the combined output
  std::int64_t expert_rows = 0;  ///< permuted rows, hidden rows, expert output
  std::int64_t routing = 0;      ///< logits, ids, gate weights, row numbers, counts, tile table
  std::int64_t workspace = 0;    ///< of libraries, L2 flush, random-number table
  [[nodiscard]] std::int64_t total() const {
    return weights + activations + expert_rows + routing + workspace;
  }
};

/// Sizes that decide how much memory a plan takes.
struct RowCounts {
  std::int64_t tokens = 0;
  int slots = 0;                 ///< a token's rows at most, shared experts included
  std::int64_t buffer_rows = 0;  ///< rows of all experts, padding included
};

/// Weights of all experts. @param num_experts physical and shared @param weight_sets >= 1
std::int64_t weight_set_bytes(const LayerShape& shape, int num_experts, int weight_sets);

/// What one loaded plan adds. @param fused_activation false: gate and up are stored before the
/// activation is applied (cuBLAS kernels)
LayerBytes plan_bytes(const LayerShape& shape, int num_experts, const RowCounts& counts,
                      bool fused_activation);

/// "the layer needs 80.3 GiB of device memory (weights 42.0, expert rows 30.1, …) and 71.2 GiB are
/// free; …"
std::string out_of_memory_text(const LayerBytes& needed, std::int64_t free_bytes);

/// Assignments that one block counts and scatters; its share of the counting arrays.
int assignments_per_chunk(std::int64_t assignments);
/// Blocks that count and scatter `assignments`. At least 1.
int chunk_count(std::int64_t assignments);

}  // namespace hotexpert
