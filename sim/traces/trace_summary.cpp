#include "sim/traces/trace_summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/token_scan.hpp"

namespace hotexpert {
namespace {

/// Sums over the steps of one layer.
class LayerSums {
 public:
  explicit LayerSums(std::size_t experts) : total_(experts) {}

  /// @param whole false for a partial last step, which is in the totals only
  void add_step(std::span<const std::int64_t> load, bool whole) {
    for (std::size_t e = 0; e < load.size(); ++e) total_[e] += load[e];
    const auto active = active_experts(load);
    if (!whole || active == 0) return;
    ++steps_;
    sums_.max_over_mean += max_over_mean(load);
    sums_.cv += load_cv(load);
    sums_.gini += load_gini(load);
    sums_.active_experts += static_cast<double>(active);
  }

  [[nodiscard]] LayerSummary finish() const {
    LayerSummary out = sums_;
    const auto steps = static_cast<double>(std::max<std::int64_t>(steps_, 1));
    out.max_over_mean = steps_ == 0 ? 1.0 : out.max_over_mean / steps;
    out.max_vio_batch = out.max_over_mean - 1.0;
    out.cv /= steps;
    out.gini /= steps;
    out.active_experts /= steps;
    out.max_vio_global = max_vio(total_);
    out.dead_experts = static_cast<std::int64_t>(total_.size()) - active_experts(total_);
    for (const auto c : total_) out.assignments += c;
    return out;
  }

 private:
  std::vector<std::int64_t> total_;  // [E] over all steps
  LayerSummary sums_;
  std::int64_t steps_ = 0;  // with load
};

LayerSummary mean_over(const std::vector<LayerSummary>& layers) {
  LayerSummary out;
  const auto count = static_cast<double>(layers.size());
  for (const auto& of : layers) {
    out.max_over_mean += of.max_over_mean / count;
    out.max_vio_batch += of.max_vio_batch / count;
    out.max_vio_global += of.max_vio_global / count;
    out.cv += of.cv / count;
    out.gini += of.gini / count;
    out.active_experts += of.active_experts / count;
    if (of.token_overlap)
      out.token_overlap = out.token_overlap.value_or(0.0) + *of.token_overlap / count;
    out.dead_experts += of.dead_experts;
    out.assignments += of.assignments;
  }
  return out;
}

}  // namespace

TraceSummary summarize(const TraceArrays& arrays, int num_experts, std::int64_t step_tokens) {
  if (step_tokens < 1) {
    throw UsageError(fmt::format("step.tokens: {} is not at least 1", step_tokens));
  }
  const auto layers = static_cast<std::size_t>(arrays.layers());
  const auto experts = static_cast<std::size_t>(num_experts);
  TokenScan scan(arrays, num_experts);
  std::vector<LayerSums> sums(layers, LayerSums(experts));
  std::vector<std::int64_t> load(layers * experts);
  TraceSummary out;
  for (std::int64_t first = 0; first < arrays.tokens(); first += step_tokens) {
    const std::int64_t last = first + std::min(step_tokens, arrays.tokens() - first);
    std::fill(load.begin(), load.end(), 0);
    scan.add(first, last, load);
    const bool whole = last - first == step_tokens;
    for (std::size_t layer = 0; layer < layers; ++layer) {
      sums[layer].add_step(std::span(load).subspan(layer * experts, experts), whole);
    }
    out.steps += whole;
    if (!whole) break;
  }
  out.tokens = arrays.tokens();
  const auto common = scan.common();
  const auto pairs = static_cast<double>(std::max<std::int64_t>(out.tokens - 1, 1));
  for (std::size_t layer = 0; layer < layers; ++layer) {
    out.layers.push_back(sums[layer].finish());
    out.layers.back().token_overlap = static_cast<double>(common[layer]) / pairs;
  }
  out.overall = mean_over(out.layers);
  return out;
}

TraceSummary summarize(const LoadMatrix& loads) {
  TraceSummary out;
  out.steps = loads.steps;
  for (int layer = 0; layer < loads.layers; ++layer) {
    LayerSums sums(static_cast<std::size_t>(loads.experts));
    for (std::int64_t step = 0; step < loads.steps; ++step) {
      sums.add_step(loads.at(step, layer), true);
    }
    out.layers.push_back(sums.finish());
  }
  out.overall = mean_over(out.layers);
  return out;
}

}  // namespace hotexpert
