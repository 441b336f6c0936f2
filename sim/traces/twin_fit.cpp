#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <thread>

#include "sim/base/errors.hpp"
#include "sim/base/math.hpp"
#include "sim/base/random.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/pair_counts.hpp"
#include "sim/traces/twin.hpp"
#include "sim/traces/twin_sampler.hpp"

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

/// The first tokens of a layer, and which experts meet on them.
constexpr std::int64_t kLiftTokens = 8192;

/// What tokens in order show: pairs on a token, and experts shared with the token before.
struct Observed {
  explicit Observed(int num_experts) : pairs(num_experts) {}
  void add(std::span<const StoredExpert> token) {
    for (const auto id : token)
      common += std::find(before.begin(), before.end(), id) != before.end();
    before.assign(token.begin(), token.end());
    pairs.add(token);
  }
  [[nodiscard]] double overlap() const {
    return static_cast<double>(common) /
           static_cast<double>(std::max<std::int64_t>(pairs.tokens(), 1));
  }

  PairCounts pairs;
  std::int64_t common = 0;
  std::vector<StoredExpert> before;
};

Observed observe(const RoutingTrace& trace, int layer, std::int64_t most_tokens) {
  const auto slots = static_cast<std::size_t>(trace.info().slots);
  Observed out(trace.info().num_experts);
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < trace.info().steps; ++step) {
    const auto batch = trace.read(step, layer, buffer);
    for (std::size_t at = 0; at < batch.topk_ids.size(); at += slots) {
      if (out.pairs.tokens() == most_tokens) return out;
      out.add(batch.topk_ids.subspan(at, slots));
    }
  }
  return out;
}

/// Pairs that the popularity of the windows alone would bring together, up to a factor: [E, E].
std::vector<double> expected_pairs(const TwinModel& model, const TwinLayer& layer) {
  const auto experts = static_cast<std::size_t>(model.num_experts);
  std::vector<double> out(experts * experts);
  for (std::size_t at = 0; at < layer.window_share.size(); at += experts) {
    const auto share = std::span(layer.window_share).subspan(at, experts);
    for (std::size_t a = 0; a < experts; ++a) {
      for (std::size_t b = 0; b < experts; ++b) {
        if (a != b)
          out[a * experts + b] += static_cast<double>(share[a]) * static_cast<double>(share[b]);
      }
    }
  }
  return out;
}

/// For each expert the few it meets most beyond what popularity explains, as probabilities.
std::vector<TwinPartners> excess_partners(const PairCounts& pairs, std::vector<double> expected) {
  constexpr std::size_t kPartners = 4;
  const auto experts = static_cast<std::size_t>(std::sqrt(static_cast<double>(expected.size())));
  const double all = std::accumulate(expected.begin(), expected.end(), 0.0) / 2;
  const double scale = all > 0 ? static_cast<double>(pairs.all_pairs()) / all : 0.0;
  std::vector<TwinPartners> out(experts);
  for (std::size_t a = 0; a < experts; ++a) {
    std::vector<std::pair<double, StoredExpert>> excess;
    for (std::size_t b = 0; b < experts; ++b) {
      if (a == b || pairs.load(a) == 0) continue;
      const double more =
          static_cast<double>(pairs.pairs(a, b)) - scale * expected[a * experts + b];
      if (more > 0)
        excess.emplace_back(more / static_cast<double>(pairs.load(a)),
                            static_cast<StoredExpert>(b));
    }
    std::sort(excess.begin(), excess.end(), std::greater<>());
    excess.resize(std::min(excess.size(), kPartners));
    for (const auto& [more, expert] : excess) out[a].probability += more;
    for (const auto& [more, expert] : excess) {
      out[a].expert.push_back(expert);
      out[a].share.push_back(more / out[a].probability);
    }
  }
  return out;
}

Observed draw(const TwinModel& model, const TwinLayer& layer, std::int64_t tokens) {
  Observed out(model.num_experts);
  TwinSampler sampler(model, layer, 0, 0, true);
  for (std::int64_t token = 0; token < tokens; ++token) out.add(sampler.next());
  return out;
}

/// Makes experts drawn too often rarer, and the others more frequent: partners bring some along.
void correct_loads(const PairCounts& wanted, const PairCounts& drawn, TwinLayer& layer) {
  for (std::size_t e = 0; e < layer.correction.size(); ++e) {
    const double ratio =
        (static_cast<double>(wanted.load(e)) + 1) / (static_cast<double>(drawn.load(e)) + 1);
    layer.correction[e] = std::clamp(layer.correction[e] * ratio, 0.05, 20.0);
  }
}

/// Co-activation: partners, as strong as makes the first tokens drawn meet as often as those
/// recorded, and as hot as their window as makes neighbours overlap as much; popularity is
/// corrected for what partners bring along.
void fit_partners(const RoutingTrace& trace, int index, const TwinModel& model, TwinLayer& layer) {
  const auto all = observe(trace, index, std::numeric_limits<std::int64_t>::max());
  const auto partners = excess_partners(all.pairs, expected_pairs(model, layer));
  const auto first = observe(trace, index, kLiftTokens);
  const auto tokens = first.pairs.tokens();
  if (draw(model, layer, tokens).pairs.lift() >= first.pairs.lift()) return;
  layer.correction.assign(static_cast<std::size_t>(model.num_experts), 1.0);
  const auto corrected_draw = [&] {
    correct_loads(first.pairs, draw(model, layer, tokens).pairs, layer);
    return draw(model, layer, tokens);
  };
  constexpr int kHalvings = 6;
  for (int round = 0; round < 2; ++round) {  // each of the two moves the other a little
    double low = 0;
    double high = 4;
    for (int i = 0; i < kHalvings; ++i) {
      const double strength = (low + high) / 2;
      layer.partners = partners;
      for (auto& p : layer.partners) p.probability = std::min(0.95, strength * p.probability);
      (corrected_draw().pairs.lift() < first.pairs.lift() ? low : high) = strength;
    }
    low = 0;
    high = 1;
    for (int i = 0; i < kHalvings; ++i) {
      layer.partner_heat = (low + high) / 2;
      (corrected_draw().overlap() < first.overlap() ? low : high) = layer.partner_heat;
    }
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
  model.layers.resize(static_cast<std::size_t>(info.layers));
  std::atomic<int> next = 0;
  const auto work = [&] {
    for (int layer = next++; layer < info.layers; layer = next++) {
      const auto counts = count_layer(trace, layer, windows, options.window);
      auto& fitted = model.layers[static_cast<std::size_t>(layer)];
      fit_windows(counts, model, fitted);
      if (info.slots > 1 && info.num_experts <= PairCounts::kMostExperts)
        fit_partners(trace, layer, model, fitted);
      if (counts.weighted > 0 && info.slots > 1) {
        fitted.weight_power =
            fit_weight_power(counts.top_weight / static_cast<double>(counts.weighted), info.slots);
      }
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < options.threads; ++i) others.emplace_back(work);
  work();
  for (auto& thread : others) thread.join();
  return model;
}

}  // namespace hotexpert
