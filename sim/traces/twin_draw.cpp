#include <algorithm>
#include <atomic>
#include <thread>

#include "sim/traces/twin.hpp"
#include "sim/traces/twin_sampler.hpp"

namespace hotexpert {
namespace {

class Drawer {
 public:
  Drawer(const TwinModel& model, std::uint64_t seed, bool ordered)
      : model_(model),
        seed_(seed),
        ordered_(ordered),
        ids_(cells()),
        weights_(model.has_weights ? cells() : 0) {}

  void draw_layer(std::size_t layer) {
    const auto slots = static_cast<std::size_t>(model_.slots);
    TwinSampler sampler(model_, model_.layers[layer], static_cast<std::uint32_t>(layer), seed_,
                        ordered_);
    for (std::int64_t token = 0; token < model_.tokens; ++token) {
      const auto at = (static_cast<std::size_t>(token) * model_.layers.size() + layer) * slots;
      const auto experts = sampler.next();
      std::copy(experts.begin(), experts.end(), ids_.begin() + static_cast<std::ptrdiff_t>(at));
      if (!weights_.empty()) sampler.draw_weights(std::span(weights_).subspan(at, slots));
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

}  // namespace hotexpert
