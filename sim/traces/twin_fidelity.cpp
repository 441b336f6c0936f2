#include <algorithm>
#include <array>

#include "sim/base/decimal.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/batch_walk.hpp"
#include "sim/traces/pair_counts.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/twin.hpp"

namespace hotexpert {
namespace {

/// Metrics of one trace at one step size, in the order of the fidelity rows.
struct Metrics {
  std::vector<std::pair<std::string, double>> values;
};

Metrics metrics_of(const TraceArrays& arrays, int num_experts, std::int64_t step_tokens,
                   bool shuffled, int threads) {
  const auto trace = make_recorded_trace(
      arrays, {.num_experts = num_experts, .tokens_per_step = step_tokens, .shuffled = shuffled});
  const auto loads = count_loads(*trace, threads);
  const std::int64_t assignments = step_tokens * arrays.slots();
  Metrics out;
  for (const char* factor : {"1", "1.25", "1.5"}) {
    const auto capacity = ceil_product(assignments, Decimal::parse(factor), num_experts);
    std::int64_t over = 0;
    for (const auto c : loads.load) over += std::max<std::int64_t>(0, c - capacity);
    out.values.emplace_back(
        std::string("drop@") + factor,
        static_cast<double>(over) / static_cast<double>(assignments * loads.steps * loads.layers));
  }
  double ratio = 0;
  double cv = 0;
  double overlap = 0;
  BatchBuffer buffer;
  const auto batches = static_cast<double>(loads.steps * loads.layers);
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    for (int layer = 0; layer < loads.layers; ++layer) {
      ratio += max_over_mean(loads.at(step, layer)) / batches;
      cv += load_cv(loads.at(step, layer)) / batches;
      overlap += token_overlap(trace->read(step, layer, buffer)) / batches;
    }
  }
  out.values.emplace_back("max_over_mean", ratio);
  out.values.emplace_back("cv", cv);
  out.values.emplace_back("token_overlap", overlap);
  return out;
}

/// PairCounts::lift, averaged over layers: neither order nor steps change it.
double pair_lift(const TraceArrays& arrays, int num_experts) {
  const auto trace = make_recorded_trace(arrays, {.num_experts = num_experts});
  const auto slots = static_cast<std::size_t>(arrays.slots());
  double sum = 0;
  BatchBuffer buffer;
  for (int layer = 0; layer < arrays.layers(); ++layer) {
    PairCounts pairs(num_experts);
    for (std::int64_t step = 0; step < trace->info().steps; ++step) {
      const auto batch = trace->read(step, layer, buffer);
      for (std::size_t at = 0; at < batch.topk_ids.size(); at += slots)
        pairs.add(batch.topk_ids.subspan(at, slots));
    }
    sum += pairs.lift() / arrays.layers();
  }
  return sum;
}

}  // namespace

std::vector<FidelityRow> twin_fidelity(const TraceArrays& original, const TraceArrays& twin,
                                       const TraceArrays& iid, int num_experts,
                                       const std::vector<std::int64_t>& step_tokens, int threads) {
  std::vector<FidelityRow> out;
  const bool has_pairs = num_experts <= PairCounts::kMostExperts && original.slots() > 1;
  const std::array lifts = {has_pairs ? pair_lift(original, num_experts) : 0.0,
                            has_pairs ? pair_lift(twin, num_experts) : 0.0,
                            has_pairs ? pair_lift(iid, num_experts) : 0.0};
  for (const auto tokens : step_tokens) {
    if (tokens > original.tokens() || tokens > twin.tokens()) continue;
    for (const bool shuffled : {false, true}) {
      const auto metrics = [&](const TraceArrays& arrays) {
        return metrics_of(arrays, num_experts, tokens, shuffled, threads).values;
      };
      const auto a = metrics(original);
      const auto b = metrics(twin);
      const auto c = metrics(iid);
      for (std::size_t i = 0; i < a.size(); ++i) {
        out.push_back({a[i].first, tokens, shuffled, a[i].second, b[i].second, c[i].second});
      }
      if (has_pairs) out.push_back({"pair_lift", tokens, shuffled, lifts[0], lifts[1], lifts[2]});
    }
  }
  return out;
}

}  // namespace hotexpert
