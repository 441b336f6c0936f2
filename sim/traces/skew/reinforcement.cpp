#include "sim/traces/skew/reinforcement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/base/math.hpp"
#include "sim/base/random.hpp"
#include "sim/traces/distinct_sampler.hpp"
#include "sim/traces/skew/factories.hpp"

namespace hotexpert {

std::vector<double> Reinforcement::popularity() const {
  const double highest = *std::max_element(score.begin(), score.end());
  std::vector<double> out;
  for (const double s : score) out.push_back(portable_exp((s - highest) / temperature));
  const double sum = std::accumulate(out.begin(), out.end(), 0.0);
  for (double& p : out) p /= sum;
  return out;
}

void Reinforcement::advance(std::span<const double> share) {
  for (std::size_t e = 0; e < score.size(); ++e) {
    score[e] += growth * share[e] - decay * score[e];
  }
}

double Reinforcement::max_over_mean() const {
  const auto p = popularity();
  return *std::max_element(p.begin(), p.end()) * static_cast<double>(p.size());
}

namespace skew {
namespace {

constexpr std::int64_t kMostValues = 50'000'000;  // 400 MB of popularities kept

/// The popularity of every (step, layer), from a run of the dynamics in which each step's shares
/// are those of tokens drawn for it. Regime = step.
class Trajectory : public SkewModel {
 public:
  Trajectory(const SkewContext& context, const Reinforcement& start, double perturbation)
      : context_(context) {
    for (int layer = 0; layer < context.layers; ++layer) {
      Reinforcement state = start;
      for (int e = 0; e < context.num_experts; ++e) {
        state.score.push_back(perturbation * normal_bias(context.seed, layer, 0, e));
      }
      for (std::int64_t step = 0; step < context.steps; ++step) {
        const auto popularity = state.popularity();
        values_.insert(values_.end(), popularity.begin(), popularity.end());
        state.advance(drawn_shares(popularity, step, layer));
      }
    }
  }

  void fill_popularity(int layer, std::int64_t regime,
                       std::span<double> popularity) const override {
    const auto at = (layer * context_.steps + regime) * context_.num_experts;
    std::copy_n(values_.begin() + at, context_.num_experts, popularity.begin());
  }
  [[nodiscard]] std::vector<RegimeRun> regimes(std::int64_t step, int,
                                               std::int64_t tokens) const override {
    return {{step, tokens}};
  }

 private:
  [[nodiscard]] std::vector<double> drawn_shares(std::span<const double> popularity,
                                                 std::int64_t step, int layer) const {
    std::vector<std::uint32_t> tokens(static_cast<std::size_t>(context_.tokens));
    std::iota(tokens.begin(), tokens.end(), 0U);
    std::vector<StoredExpert> ids(tokens.size() * static_cast<std::size_t>(context_.top_k));
    const RandomKey key{context_.seed, RandomPurpose::kRegime, static_cast<std::uint32_t>(step),
                        static_cast<std::uint32_t>(layer)};
    draw_distinct(PopularityTable(popularity), key, tokens, context_.top_k, ids);
    std::vector<double> shares(popularity.size());
    for (const auto id : ids) shares[static_cast<std::size_t>(id)] += 1.0;
    for (double& share : shares) share /= static_cast<double>(ids.size());
    return shares;
  }

  SkewContext context_;
  std::vector<double> values_;  // [layers, steps, E]
};

}  // namespace

Model make_reinforcement(const NamedChoice& choice, const SkewContext& context) {
  const double values = static_cast<double>(context.steps) * context.layers * context.num_experts;
  if (values > static_cast<double>(kMostValues)) {
    throw UsageError(
        fmt::format("skew.model: reinforcement keeps steps * layers * experts = {:.0f} "
                    "popularities; at most {} "
                    "are possible (lower step.count)",
                    values, kMostValues));
  }
  const Reinforcement start{.growth = choice.get("eta"),
                            .decay = choice.get("lambda"),
                            .temperature = choice.get("tau"),
                            .score = {}};
  return std::make_unique<Trajectory>(context, start, 1e-3 * start.temperature);
}

}  // namespace skew
}  // namespace hotexpert
