#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/expert_rows.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// What a backend computed, for comparison with fp64.
struct LayerOutput {
  const ExpertRows* rows = nullptr;
  const std::byte* activations = nullptr;  ///< [tokens, d_model] row-major, the layer's data type
  const std::byte* expert_out =
      nullptr;                 ///< [buffer rows, d_model] row-major, the layer's data type
  const float* out = nullptr;  ///< [tokens, d_model] after combine
};

/// Largest relative error ||out - ref|| / ||ref|| an expert may have and be timed.
double error_tolerance(DataType dtype);

/// How far the output is from fp64: the worst expert's error where it is more than the tolerance
/// (its tokens are then wrong too, perhaps by more), else the largest of experts and tokens.
struct LayerError {
  double largest = 0;  ///< ||out - ref|| / ||ref||; +inf for NaN
  int expert =
      -1;  ///< physical expert (P + i: shared expert i) that has it; -1: a token's combined output
  std::int64_t token = -1;  ///< that token, when expert = -1
};

/// Rows of one expert that are compared: all when `all`, else the first, the last, both sides of
/// every 64-row tile edge that is nearest to the ends, and four drawn from (seed, expert).
/// Ascending, distinct.
std::vector<std::int64_t> checked_rows(const ExpertRows::Segment& segment, bool all,
                                       std::uint64_t seed, int expert);

/// ||out - ref|| / ||ref|| of buffer rows of the expert whose weights are drawn by number `id`; 0
/// for no rows, +inf for NaN. `output.out` is not looked at.
double check_expert(const LayerShape& shape, std::uint64_t seed, int id, const LayerOutput& output,
                    const std::vector<std::int64_t>& rows, int threads);

/// Compares each expert's rows with reference_expert() — all rows while the layer is at most 0.2
/// GFLOP, else checked_rows() — and the combined output of the first, the last and six drawn tokens
/// with the gate-weighted sum of their experts' references. Weights are drawn again from the seed,
/// so a kernel that mixed up experts is found.
LayerError check_layer(const LayerShape& shape, std::uint64_t seed, const LayerOutput& output,
                       int threads);

}  // namespace hotexpert
