#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "sim/base/errors.hpp"
#include "sim/base/math.hpp"
#include "sim/base/random.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/twin.hpp"

namespace hotexpert {
namespace {

/// What is counted of one layer, token by token in order.
struct LayerCounts {
  std::vector<std::int64_t> window_load;  // [windows, E]
  double common = 0;                      // experts shared with the token before
  double top_weight = 0;                  // sum over tokens of slot weight 0 / sum of weights
  std::int64_t weighted = 0;
};

LayerCounts count_layer(const RoutingTrace& trace, int layer, std::int64_t windows,
                        std::int64_t window) {
  const auto& info = trace.info();
  const auto slots = static_cast<std::size_t>(info.slots);
  LayerCounts out;
  out.window_load.resize(static_cast<std::size_t>(windows * info.num_experts));
  BatchBuffer buffer;
  std::int64_t token = 0;
  std::vector<StoredExpert> before;
  for (std::int64_t step = 0; step < info.steps; ++step) {
    const auto batch = trace.read(step, layer, buffer);
    for (std::int64_t row = 0; row < batch.tokens; ++row, ++token) {
      const auto ids = batch.topk_ids.subspan(static_cast<std::size_t>(row) * slots, slots);
      const auto in_window = std::min(token / window, windows - 1) * info.num_experts;
      for (const auto id : ids) {
        if (id < 0 || id >= info.num_experts) continue;
        ++out.window_load[static_cast<std::size_t>(in_window + id)];
        out.common += std::find(before.begin(), before.end(), id) != before.end();
      }
      before.assign(ids.begin(), ids.end());
      if (batch.topk_weights.empty()) continue;
      const auto weights = batch.topk_weights.subspan(static_cast<std::size_t>(row) * slots, slots);
      double sum = 0;
      for (const float w : weights) sum += static_cast<double>(w);
      if (!(sum > 0)) continue;
      out.top_weight +=
          static_cast<double>(*std::max_element(weights.begin(), weights.end())) / sum;
      ++out.weighted;
    }
  }
  return out;
}

/// Mean share of the largest of k exponentials to a power, by a fixed sample.
double top_share(double power, int slots) {
  constexpr std::uint32_t kSample = 2000;
  double mean_share = 0;
  for (std::uint32_t item = 0; item < kSample; ++item) {
    RandomStream stream({.seed = 0, .purpose = RandomPurpose::kGateWeight}, item);
    double sum = 0;
    double largest = 0;
    for (int s = 0; s < slots; ++s) {
      const double weight = portable_exp(power * portable_log(stream.exponential()));
      sum += weight;
      largest = std::max(largest, weight);
    }
    mean_share += largest / sum / kSample;
  }
  return mean_share;
}

double fit_weight_power(double wanted_top_share, int slots) {
  double low = 0;
  double high = 8;
  for (int i = 0; i < 30; ++i) {
    const double middle = (low + high) / 2;
    (top_share(middle, slots) < wanted_top_share ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// Shares of every window, shrunk towards the mean, and the repetition that goes with them. What
/// chance alone makes windows differ by is taken out, for drawing adds it again; repetition widens
/// chance by (1 + r) / (1 - r); and repetition is what the overlap of neighbours exceeds the
/// overlap that popularity explains. Both depend on each other: a few rounds settle them.
void fit_windows(const LayerCounts& counts, const TwinModel& model, TwinLayer& layer) {
  const auto experts = static_cast<std::size_t>(model.num_experts);
  const std::size_t windows = counts.window_load.size() / experts;
  const auto total = static_cast<double>(model.tokens);
  std::vector<double> tokens(windows, static_cast<double>(model.window));
  tokens.back() = total - static_cast<double>(model.window) * static_cast<double>(windows - 1);
  layer.mean_share.assign(experts, 0.0);
  for (std::size_t i = 0; i < counts.window_load.size(); ++i) {
    layer.mean_share[i % experts] += static_cast<double>(counts.window_load[i]) / total;
  }
  const auto deviation = [&](std::size_t i) {
    return static_cast<double>(counts.window_load[i]) / tokens[i / experts] -
           layer.mean_share[i % experts];
  };
  double variance_seen = 0;  // summed over experts, mean over windows
  double variance_by_chance = 0;
  for (std::size_t i = 0; i < counts.window_load.size(); ++i) {
    const double p = static_cast<double>(counts.window_load[i]) / tokens[i / experts];
    variance_seen += deviation(i) * deviation(i) / static_cast<double>(windows);
    variance_by_chance += p * (1 - p) / tokens[i / experts] / static_cast<double>(windows);
  }
  const double overlap = counts.common / std::max(1.0, total - 1);
  double shrink = 1;
  for (int round = 0; round < 4; ++round) {
    const double chance = variance_by_chance * (1 + layer.repeat) / (1 - layer.repeat);
    shrink = variance_seen > 0 ? std::sqrt(std::max(0.0, 1 - chance / variance_seen)) : 0.0;
    double explained = 0;
    for (std::size_t i = 0; i < counts.window_load.size(); ++i) {
      const double p = layer.mean_share[i % experts] + shrink * deviation(i);
      explained += p * p / static_cast<double>(windows);
    }
    layer.repeat = std::clamp((overlap - explained) / (model.slots - explained), 0.0, 0.95);
  }
  layer.window_share.clear();
  for (std::size_t i = 0; i < counts.window_load.size(); ++i) {
    layer.window_share.push_back(
        static_cast<float>(std::max(0.0, layer.mean_share[i % experts] + shrink * deviation(i))));
  }
}

}  // namespace

TwinModel fit_twin(const RoutingTrace& trace, const TwinOptions& options) {
  const auto& info = trace.info();
  TwinModel model;
  model.num_experts = info.num_experts;
  model.slots = info.slots;
  model.window = options.window;
  model.has_weights = info.has_weights;
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < info.steps; ++step) {
    model.tokens += trace.read(step, 0, buffer).tokens;
  }
  if (options.window < 1 || model.tokens < 2 * options.window) {
    throw UsageError(fmt::format("trace twin: {} tokens are fewer than two windows of {}",
                                 model.tokens, options.window));
  }
  const std::int64_t windows = model.tokens / options.window;
  for (int layer = 0; layer < info.layers; ++layer) {
    const auto counts = count_layer(trace, layer, windows, options.window);
    auto& fitted = model.layers.emplace_back();
    fit_windows(counts, model, fitted);
    if (counts.weighted > 0 && info.slots > 1) {
      fitted.weight_power =
          fit_weight_power(counts.top_weight / static_cast<double>(counts.weighted), info.slots);
    }
  }
  return model;
}

}  // namespace hotexpert
