#include "sim/base/math.hpp"
#include "sim/traces/skew/factories.hpp"
#include "sim/traces/skew/regime_runs.hpp"

namespace hotexpert::skew {
namespace {

/// Every regime multiplies a stable popularity by its own: logit = base * N + sigma * N(regime).
class RegimeBias : public SkewModel {
 public:
  RegimeBias(const SkewContext& context, double base, double sigma, double mean_run,
             std::uint32_t regimes, bool layers_share)
      : context_(context),
        base_(base),
        sigma_(sigma),
        chain_(context.seed, mean_run, regimes, context.tokens),
        layers_share_(layers_share) {}

  void fill_popularity(int layer, std::int64_t regime,
                       std::span<double> popularity) const override {
    for (int e = 0; e < context_.num_experts; ++e) {
      const double bias = sigma_ * normal_bias(context_.seed, layer, regime + 1, e);
      const double stable = base_ == 0 ? 0.0 : base_ * normal_bias(context_.seed, layer, 0, e);
      popularity[static_cast<std::size_t>(e)] = portable_exp(stable + bias);
    }
  }
  [[nodiscard]] std::vector<RegimeRun> regimes(std::int64_t step, int layer,
                                               std::int64_t) const override {
    return chain_.runs(step, layers_share_ ? 0U : static_cast<std::uint32_t>(layer) + 1);
  }

 private:
  SkewContext context_;
  double base_;
  double sigma_;
  RegimeChain chain_;
  bool layers_share_;
};

}  // namespace

/// Bursts: each run of tokens (a request) has a bias of its own, one of many.
Model make_bursty(const NamedChoice& choice, const SkewContext& context) {
  constexpr std::uint32_t kManyRegimes = 1024;
  return std::make_unique<RegimeBias>(context, choice.get("base"), choice.get("sigma"),
                                      choice.get("run"), kManyRegimes, false);
}

/// Domains: a few topics, each with its own popularity in every layer; consecutive tokens agree and
/// all layers follow the same topic.
Model make_domains(const NamedChoice& choice, const SkewContext& context) {
  return std::make_unique<RegimeBias>(
      context, choice.get("base"), choice.get("sigma"), choice.get("run"),
      static_cast<std::uint32_t>(choice.get_integer("topics")), true);
}

}  // namespace hotexpert::skew
