#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "sim/base/decimal.hpp"
#include "sim/base/math.hpp"
#include "sim/base/random.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/batch_walk.hpp"
#include "sim/traces/popularity_table.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/twin.hpp"

namespace hotexpert {
namespace {

/// Weights whose Plackett-Luce draws include each expert with about its share: in the exponential
/// race an expert has come in by time 1 with probability 1 - e^-w.
template <class Share>
PopularityTable table_of(std::span<const Share> share) {
  constexpr double kLargest = 0.999;  // an expert in every token would need an infinite weight
  constexpr double kSmallest = 1e-7;
  std::vector<double> weights;
  for (const auto s : share) {
    const double p = std::clamp(static_cast<double>(s), kSmallest, kLargest);
    weights.push_back(-portable_log(1 - p));
  }
  return PopularityTable(weights);
}

/// The experts of the next token: some of the last token's, the rest drawn by popularity.
void draw_token(const PopularityTable& table, double repeat, std::size_t slots,
                RandomStream& random, std::vector<StoredExpert>& token) {
  std::erase_if(token, [&](StoredExpert) { return !(random.uniform() < repeat); });
  constexpr int kTries = 64;
  std::vector<StoredExpert> taken;
  for (int tries = 0; token.size() < slots; ++tries) {
    if (tries < kTries) {
      const auto expert = table.draw(random.next());
      if (std::find(token.begin(), token.end(), expert) == token.end()) token.push_back(expert);
      continue;
    }
    taken = token;
    const std::uint64_t high = random.next();
    token.push_back(table.draw_other(high << 32 | random.next(), taken));
  }
}

void draw_weights(double power, RandomStream& random, std::span<float> weights) {
  double sum = 0;
  for (float& weight : weights) {
    weight = static_cast<float>(portable_exp(power * portable_log(random.exponential())));
    sum += static_cast<double>(weight);
  }
  std::sort(weights.begin(), weights.end(), std::greater<>());
  for (float& weight : weights) weight = static_cast<float>(static_cast<double>(weight) / sum);
}

class Drawer {
 public:
  Drawer(const TwinModel& model, std::uint64_t seed, bool ordered)
      : model_(model),
        seed_(seed),
        ordered_(ordered),
        ids_(cells()),
        weights_(model.has_weights ? cells() : 0) {}

  void draw_layer(std::size_t layer) {
    const auto& fitted = model_.layers[layer];
    const auto experts = static_cast<std::size_t>(model_.num_experts);
    const auto slots = static_cast<std::size_t>(model_.slots);
    const auto windows = static_cast<std::int64_t>(fitted.window_share.size() / experts);
    PopularityTable table = table_of(std::span<const double>(fitted.mean_share));
    std::vector<StoredExpert> experts_of_token;
    for (std::int64_t token = 0; token < model_.tokens; ++token) {
      const bool new_window = token % model_.window == 0 && token / model_.window < windows;
      if (ordered_ && new_window) {
        const auto at = static_cast<std::size_t>(token / model_.window) * experts;
        table = table_of(std::span<const float>(fitted.window_share).subspan(at, experts));
      }
      RandomStream random({seed_, RandomPurpose::kRouting, 0, static_cast<std::uint32_t>(layer)},
                          static_cast<std::uint32_t>(token));
      draw_token(table, ordered_ ? fitted.repeat : 0.0, slots, random, experts_of_token);
      const auto at = (static_cast<std::size_t>(token) * model_.layers.size() + layer) * slots;
      std::copy(experts_of_token.begin(), experts_of_token.end(),
                ids_.begin() + static_cast<std::ptrdiff_t>(at));
      if (!weights_.empty()) {
        draw_weights(fitted.weight_power, random, std::span(weights_).subspan(at, slots));
      }
    }
  }

  TraceArrays finish() {
    const std::vector<std::int64_t> shape = {
        model_.tokens, static_cast<std::int64_t>(model_.layers.size()), model_.slots};
    TraceArrays out;
    out.name = ordered_ ? "twin" : "i.i.d. twin";
    out.origin = out.name;
    out.num_experts = model_.num_experts;
    out.topk_ids = owned_array(std::move(ids_), shape);
    if (model_.has_weights) out.weights = owned_array(std::move(weights_), shape);
    return out;
  }

 private:
  [[nodiscard]] std::size_t cells() const {
    return static_cast<std::size_t>(model_.tokens) * model_.layers.size() *
           static_cast<std::size_t>(model_.slots);
  }

  const TwinModel& model_;
  std::uint64_t seed_;
  bool ordered_;
  std::vector<std::int16_t> ids_;
  std::vector<float> weights_;
};

/// Metrics of one trace at one step size, in the order of the fidelity rows.
struct Metrics {
  std::vector<std::pair<std::string, double>> values;
};

Metrics metrics_of(const TraceArrays& arrays, int num_experts, std::int64_t step_tokens,
                   int threads) {
  const auto trace =
      make_recorded_trace(arrays, {.num_experts = num_experts, .tokens_per_step = step_tokens});
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

}  // namespace

TraceArrays draw_twin(const TwinModel& model, const TwinOptions& options, bool ordered) {
  Drawer drawer(model, options.seed, ordered);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t layer = next++; layer < model.layers.size(); layer = next++) {
      drawer.draw_layer(layer);
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < options.threads; ++i) others.emplace_back(work);
  work();
  for (auto& thread : others) thread.join();
  return drawer.finish();
}

std::vector<FidelityRow> twin_fidelity(const TraceArrays& original, const TraceArrays& twin,
                                       const TraceArrays& iid, int num_experts,
                                       const std::vector<std::int64_t>& step_tokens, int threads) {
  std::vector<FidelityRow> out;
  for (const auto tokens : step_tokens) {
    if (tokens > original.tokens() || tokens > twin.tokens()) continue;
    const auto a = metrics_of(original, num_experts, tokens, threads);
    const auto b = metrics_of(twin, num_experts, tokens, threads);
    const auto c = metrics_of(iid, num_experts, tokens, threads);
    for (std::size_t i = 0; i < a.values.size(); ++i) {
      out.push_back(
          {a.values[i].first, tokens, a.values[i].second, b.values[i].second, c.values[i].second});
    }
  }
  return out;
}

}  // namespace hotexpert
