#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/core/expert_placement.hpp"
#include "sim/core/layer_shape.hpp"
#include "sim/core/routing_batch.hpp"
#include "sim/model/layer_law.hpp"

namespace hotexpert {

enum class MemoryPass : std::uint8_t { kForward, kTraining };

/// Bytes of one layer on one rank.
struct RankMemory {
  double weights = 0;    ///< experts it holds
  double optimizer = 0;  ///< training: fp32 gradient, master copy and two Adam moments, 16 a weight
  double activations = 0;  ///< up projection, activation and input and output of the layer
  double dispatch = 0;     ///< permuted input and expert output, d_model a row
  [[nodiscard]] double total() const { return weights + optimizer + activations + dispatch; }
};

/// Peak of a pass, nothing freed inside it (in training nothing may be):
///   weights     = experts * weight bytes of an expert
///   activations = (2 * tokens * d_model + rows * d_ff * matrices) * bytes of an element
///   dispatch    = 2 * rows * d_model * bytes of an element
/// Rows are those the kernel holds: `padded` stores experts * (capacity or hottest) rows.
/// @param tokens of the layer's input and output on this rank
/// @param expert_rows [experts of the rank]
RankMemory rank_memory(const LayerShape& shape, KernelFamily family, MemoryPass pass,
                       std::int64_t tokens, std::span<const std::int64_t> expert_rows,
                       std::int64_t capacity = 0);

/// The rank that needs most in one step and layer.
struct PeakMemory {
  int rank = 0;
  RankMemory bytes;
};

/// Peak over the ranks of a placement; copies of an expert share its rows equally, rounded up.
/// Every rank owns ceil(tokens / R) tokens.   @param load [E] rows of each expert
PeakMemory peak_memory(const LayerShape& shape, KernelFamily family, MemoryPass pass,
                       std::int64_t tokens, std::span<const std::int64_t> load,
                       const ExpertPlacement& placement);

/// First step of a recording in which some layer's hottest rank needs more than `limit_bytes`, each
/// layer taken alone; nullopt when all fit.   @param tokens of a step, all ranks together
std::optional<std::int64_t> first_step_that_does_not_fit(
    const LayerShape& shape, KernelFamily family, MemoryPass pass, std::int64_t tokens,
    const LoadMatrix& loads, const ExpertPlacement& placement, double limit_bytes);

/// A whole model's step: layers run one after another and each waits for its slowest rank.
struct ModelStep {
  double seconds = 0;          ///< sum over layers of the maximum over ranks
  double mean_seconds = 0;     ///< sum over layers of the mean over ranks: no imbalance
  double imbalance_share = 0;  ///< 1 - mean_seconds / seconds; 0 for an empty model
};
/// @param rank_seconds [layers][ranks], >= 0
ModelStep model_step(const std::vector<std::vector<double>>& rank_seconds);

}  // namespace hotexpert
