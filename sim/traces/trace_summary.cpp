#include "sim/traces/trace_summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/metrics/load_metrics.hpp"

namespace hotexpert {
namespace {

/// Of one expert in one layer: the last token that chose it (from 2; wraps are harmless) above 32
/// bits of assignments in this step. One word, so that an assignment is one load and one store.
using Cell = std::uint64_t;

/// Running state of one layer.
struct LayerState {
  std::vector<std::int64_t> total;  // [E] over all steps
  LayerSummary sums;
  std::int64_t steps = 0;  // with load
  std::int64_t common = 0;
};

class Summarizer {
 public:
  Summarizer(const TraceArrays& arrays, int num_experts)
      : arrays_(arrays),
        experts_(static_cast<std::size_t>(num_experts)),
        cells_(static_cast<std::size_t>(arrays.layers()) * experts_),
        layers_(static_cast<std::size_t>(arrays.layers())) {
    for (auto& layer : layers_) layer.total.resize(experts_);
  }

  template <class T>
  void add_tokens(std::int64_t first, std::int64_t last) {
    // Local copies: stores to cells cannot change them.
    const std::int64_t slots = arrays_.slots();
    const auto experts = static_cast<std::uint64_t>(experts_);
    const std::int64_t absent = absent_;
    const std::byte* row = arrays_.topk_ids.data +
                           static_cast<std::size_t>(first * arrays_.layers() * slots) * sizeof(T);
    for (std::int64_t token = first; token < last; ++token) {
      const auto stamp = static_cast<std::uint32_t>(token + 2);
      Cell* cells = cells_.data();
      for (auto& layer : layers_) {
        std::uint32_t common = 0;
        std::uint32_t twice = 0;
        for (std::int64_t slot = 0; slot < slots; ++slot) {
          const auto id = static_cast<std::int64_t>(load_element<T>(row, slot));
          if (static_cast<std::uint64_t>(id) >= experts || id == absent) {
            out_.out_of_range += id != kAbsent && id != absent;
            continue;
          }
          const Cell cell = cells[id];
          const std::uint32_t age = stamp - static_cast<std::uint32_t>(cell >> 32);
          common += age == 1;
          twice += age == 0;
          cells[id] = (Cell{stamp} << 32) + static_cast<std::uint32_t>(cell + 1);
        }
        layer.common += common;
        out_.duplicate_tokens += twice > 0;
        cells += experts;
        row += static_cast<std::size_t>(slots) * sizeof(T);
      }
    }
  }

  /// Adds the loads of the tokens since the last call to the totals and, for a whole step, to the
  /// means.
  void end_step(bool whole) {
    std::vector<std::int64_t> load(experts_);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      auto& layer = layers_[l];
      for (std::size_t e = 0; e < experts_; ++e) {
        Cell& cell = cells_[l * experts_ + e];
        load[e] = static_cast<std::uint32_t>(cell);
        layer.total[e] += load[e];
        cell -= static_cast<std::uint32_t>(cell);
      }
      const auto active = active_experts(load);
      if (!whole || active == 0) continue;
      ++layer.steps;
      layer.sums.max_over_mean += max_over_mean(load);
      layer.sums.cv += load_cv(load);
      layer.sums.gini += load_gini(load);
      layer.sums.active_experts += static_cast<double>(active);
    }
    out_.steps += whole;
  }

  TraceSummary finish() {
    out_.tokens = arrays_.tokens();
    const auto count = static_cast<double>(layers_.size());
    for (auto& layer : layers_) {
      LayerSummary of = layer.sums;
      const auto steps = static_cast<double>(std::max<std::int64_t>(layer.steps, 1));
      of.max_over_mean = layer.steps == 0 ? 1.0 : of.max_over_mean / steps;
      of.max_vio_batch = of.max_over_mean - 1.0;
      of.cv /= steps;
      of.gini /= steps;
      of.active_experts /= steps;
      of.max_vio_global = max_vio(layer.total);
      of.dead_experts = static_cast<std::int64_t>(experts_) - active_experts(layer.total);
      for (const auto c : layer.total) of.assignments += c;
      of.token_overlap = static_cast<double>(layer.common) /
                         static_cast<double>(std::max<std::int64_t>(out_.tokens - 1, 1));
      out_.overall.max_over_mean += of.max_over_mean / count;
      out_.overall.max_vio_batch += of.max_vio_batch / count;
      out_.overall.max_vio_global += of.max_vio_global / count;
      out_.overall.cv += of.cv / count;
      out_.overall.gini += of.gini / count;
      out_.overall.active_experts += of.active_experts / count;
      out_.overall.token_overlap += of.token_overlap / count;
      out_.overall.dead_experts += of.dead_experts;
      out_.overall.assignments += of.assignments;
      out_.layers.push_back(of);
    }
    return std::move(out_);
  }

 private:
  const TraceArrays& arrays_;
  std::size_t experts_;
  std::int64_t absent_ = arrays_.absent_id.value_or(kAbsent);
  std::vector<Cell> cells_;  // [layers, E]
  std::vector<LayerState> layers_;
  TraceSummary out_;
};

}  // namespace

TraceSummary summarize(const TraceArrays& arrays, int num_experts, std::int64_t step_tokens) {
  if (step_tokens < 1) {
    throw UsageError(fmt::format("step.tokens: {} is not at least 1", step_tokens));
  }
  Summarizer summarizer(arrays, num_experts);
  for (std::int64_t first = 0; first < arrays.tokens(); first += step_tokens) {
    const std::int64_t last = std::min(first + step_tokens, arrays.tokens());
    with_integer_type(arrays.topk_ids.type,
                      [&](auto element) { summarizer.add_tokens<decltype(element)>(first, last); });
    summarizer.end_step(last - first == step_tokens);
  }
  return summarizer.finish();
}

}  // namespace hotexpert
