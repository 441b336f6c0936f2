#include "sim/traces/twin_sampler.hpp"

#include <algorithm>
#include <functional>

#include "sim/base/math.hpp"

namespace hotexpert {
namespace {

std::vector<float> as_float(std::span<const double> share) { return {share.begin(), share.end()}; }

RandomStream stream_of(std::uint64_t seed, std::uint32_t layer, std::int64_t token) {
  return RandomStream({seed, RandomPurpose::kRouting, 0, layer}, static_cast<std::uint32_t>(token));
}

}  // namespace

TwinSampler::TwinSampler(const TwinModel& model, const TwinLayer& layer, std::uint32_t layer_index,
                         std::uint64_t seed, bool ordered)
    : model_(model),
      layer_(layer),
      layer_index_(layer_index),
      seed_(seed),
      ordered_(ordered),
      table_(table_of(as_float(layer.mean_share))),
      random_(stream_of(seed, layer_index, 0)),
      heat_(static_cast<std::size_t>(model.num_experts), 1.0) {}

/// Weights whose Plackett-Luce draws include each expert with about its share: in the exponential
/// race an expert has come in by time 1 with probability 1 - e^-w.
PopularityTable TwinSampler::table_of(std::span<const float> share) const {
  constexpr double kLargest = 0.999;  // an expert in every token would need an infinite weight
  constexpr double kSmallest = 1e-7;
  std::vector<double> weights;
  for (std::size_t e = 0; e < share.size(); ++e) {
    const double correction = ordered_ && !layer_.partners.empty() ? layer_.correction[e] : 1.0;
    const double p = std::clamp(static_cast<double>(share[e]) * correction, kSmallest, kLargest);
    weights.push_back(-portable_log(1 - p));
  }
  return PopularityTable(weights);
}

/// One more expert: the partner of the last one, or one by popularity; it may be there already.
StoredExpert TwinSampler::draw_expert() {
  if (ordered_ && !layer_.partners.empty() && !experts_.empty()) {
    const auto& partners = layer_.partners[static_cast<std::size_t>(experts_.back())];
    double u = random_.uniform();
    for (std::size_t i = 0; i < partners.share.size(); ++i) {
      const auto expert = partners.expert[i];
      u -= partners.probability * partners.share[i] * heat_[static_cast<std::size_t>(expert)];
      if (u < 0) return expert;
    }
  }
  return table_.draw(random_.next());
}

std::span<const StoredExpert> TwinSampler::next() {
  const auto experts = static_cast<std::int64_t>(model_.num_experts);
  const auto windows = static_cast<std::int64_t>(layer_.window_share.size()) / experts;
  if (ordered_ && token_ % model_.window == 0 && token_ / model_.window < windows) {
    const auto at = static_cast<std::size_t>(token_ / model_.window * experts);
    const auto share =
        std::span(layer_.window_share).subspan(at, static_cast<std::size_t>(experts));
    table_ = table_of(share);
    for (std::size_t e = 0; e < heat_.size(); ++e) {
      const double mean = std::max(layer_.mean_share[e], 1e-9);
      const double heat = std::max(static_cast<double>(share[e]) / mean, 1e-9);
      heat_[e] = portable_exp(layer_.partner_heat * portable_log(heat));
    }
  }
  random_ = stream_of(seed_, layer_index_, token_++);
  const double repeat = ordered_ ? layer_.repeat : 0.0;
  std::erase_if(experts_, [&](StoredExpert) { return !(random_.uniform() < repeat); });
  constexpr int kTries = 64;
  const auto slots = static_cast<std::size_t>(model_.slots);
  for (int tries = 0; experts_.size() < slots; ++tries) {
    if (tries < kTries) {
      const auto expert = draw_expert();
      if (std::find(experts_.begin(), experts_.end(), expert) == experts_.end())
        experts_.push_back(expert);
      continue;
    }
    auto taken = experts_;
    std::sort(taken.begin(), taken.end());
    const std::uint64_t high = random_.next();
    experts_.push_back(table_.draw_other(high << 32 | random_.next(), taken));
  }
  return experts_;
}

void TwinSampler::draw_weights(std::span<float> weights) {
  double sum = 0;
  for (float& weight : weights) {
    weight =
        static_cast<float>(portable_exp(layer_.weight_power * portable_log(random_.exponential())));
    sum += static_cast<double>(weight);
  }
  std::sort(weights.begin(), weights.end(), std::greater<>());
  for (float& weight : weights) weight = static_cast<float>(static_cast<double>(weight) / sum);
}

}  // namespace hotexpert
