#include "sim/model/memory_model.hpp"

#include <algorithm>
#include <numeric>

namespace hotexpert {
namespace {

constexpr double kOptimizerBytesPerWeight = 16;

std::vector<std::vector<std::int64_t>> rows_by_rank(std::span<const std::int64_t> load,
                                                    const ExpertPlacement& placement) {
  std::vector<std::vector<std::int64_t>> out(static_cast<std::size_t>(placement.num_ranks()));
  for (std::size_t p = 0; p < static_cast<std::size_t>(placement.num_physical()); ++p) {
    const LogicalExpert expert = placement.physical_to_logical()[p];
    const auto copies = static_cast<std::int64_t>(placement.replicas(expert).size());
    const std::int64_t rows = load[static_cast<std::size_t>(index(expert))];
    out[static_cast<std::size_t>(index(placement.physical_to_rank()[p]))].push_back(
        (rows + copies - 1) / copies);
  }
  return out;
}

}  // namespace

RankMemory rank_memory(const LayerShape& shape, KernelFamily family, MemoryPass pass,
                       std::int64_t tokens, std::span<const std::int64_t> expert_rows,
                       std::int64_t capacity) {
  const LoadSummary load = summarize(tokens, expert_rows);
  const double rows_each = capacity > 0 ? static_cast<double>(capacity) : load.max_rows;
  const double rows = family == KernelFamily::kPadded ? load.experts * rows_each : load.rows;
  const auto element = static_cast<double>(bytes_per_element(shape.dtype));
  const auto d_model = static_cast<double>(shape.d_model);
  RankMemory bytes;
  bytes.weights = load.experts * static_cast<double>(weight_bytes_per_expert(shape));
  if (pass == MemoryPass::kTraining) {
    bytes.optimizer = bytes.weights / element * kOptimizerBytesPerWeight;
  }
  bytes.activations =
      element * (2 * static_cast<double>(tokens) * d_model +
                 rows * static_cast<double>(shape.d_ff) * matrices_per_expert(shape.activation));
  bytes.dispatch = element * 2 * rows * d_model;
  return bytes;
}

PeakMemory peak_memory(const LayerShape& shape, KernelFamily family, MemoryPass pass,
                       std::int64_t tokens, std::span<const std::int64_t> load,
                       const ExpertPlacement& placement) {
  const std::int64_t ranks = placement.num_ranks();
  const auto by_rank = rows_by_rank(load, placement);
  PeakMemory peak;
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank) {
    const RankMemory bytes =
        rank_memory(shape, family, pass, (tokens + ranks - 1) / ranks, by_rank[rank]);
    if (rank == 0 || bytes.total() > peak.bytes.total()) peak = {static_cast<int>(rank), bytes};
  }
  return peak;
}

std::optional<std::int64_t> first_step_that_does_not_fit(
    const LayerShape& shape, KernelFamily family, MemoryPass pass, std::int64_t tokens,
    const LoadMatrix& loads, const ExpertPlacement& placement, double limit_bytes) {
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    for (int layer = 0; layer < loads.layers; ++layer) {
      const auto peak = peak_memory(shape, family, pass, tokens, loads.at(step, layer), placement);
      if (peak.bytes.total() > limit_bytes) return step;
    }
  }
  return std::nullopt;
}

ModelStep model_step(const std::vector<std::vector<double>>& rank_seconds) {
  ModelStep step;
  for (const auto& ranks : rank_seconds) {
    if (ranks.empty()) continue;
    step.seconds += *std::max_element(ranks.begin(), ranks.end());
    step.mean_seconds +=
        std::accumulate(ranks.begin(), ranks.end(), 0.0) / static_cast<double>(ranks.size());
  }
  if (step.seconds > 0) step.imbalance_share = 1 - step.mean_seconds / step.seconds;
  return step;
}

}  // namespace hotexpert
