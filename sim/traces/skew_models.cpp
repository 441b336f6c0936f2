#include <algorithm>
#include <array>

#include "sim/base/registry.hpp"
#include "sim/core/ids.hpp"
#include "sim/traces/skew/factories.hpp"
#include "sim/traces/skew_model.hpp"

namespace hotexpert {
namespace {

constexpr std::array kZipfParams = {
    ParamSpec{"exponent", 1.0, 0.0, 8.0, "popularity of the r-th hottest expert is r^-exponent"}};
constexpr std::array kGaussianParams = {
    ParamSpec{"sigma", 0.45, 0.0, 8.0,
              "standard deviation of an expert's logit bias (Mixtral 0.1, gpt-oss 0.45)"}};
constexpr std::array kHotParams = {
    ParamSpec{"experts", 1, 1, kMaxExperts, "number of hot experts"},
    ParamSpec{"share", 0.5, 0.0, 1.0, "popularity the hot experts have together"}};

constexpr std::array kDirichletParams = {
    ParamSpec{"concentration", 1.0, 0.001, 1e4, "of the symmetric Dirichlet law; small is skewed"}};
constexpr std::array kLognormalParams = {
    ParamSpec{"sigma", 0.45, 0.0, 8.0, "standard deviation of the logarithm of popularity"}};
constexpr std::array kDriftParams = {
    ParamSpec{"exponent", 1.0, 0.0, 8.0, "popularity of the r-th hottest expert is r^-exponent"},
    ParamSpec{"period", 16, 1, 1e9, "steps between moves of the hot set"},
    ParamSpec{"stride", 1, 0, kMaxExperts, "experts it moves by"}};
constexpr std::array kBurstyParams = {
    ParamSpec{"sigma", 1.0, 0.0, 8.0, "standard deviation of a burst's logit bias"},
    ParamSpec{"run", 256, 1, 1e6, "mean tokens of a burst"},
    ParamSpec{"base", 0.0, 0.0, 8.0, "standard deviation of the stable logit bias"}};
constexpr std::array kDomainsParams = {
    ParamSpec{"sigma", 1.0, 0.0, 8.0, "standard deviation of a topic's logit bias"},
    ParamSpec{"topics", 8, 1, 65536, "number of topics"},
    ParamSpec{"run", 256, 1, 1e6, "mean tokens before the topic is drawn anew"},
    ParamSpec{"base", 0.0, 0.0, 8.0, "standard deviation of the stable logit bias"}};
constexpr std::array kCoactivatedParams = {
    ParamSpec{"strength", 0.8, 0.0, 1.0, "probability that an expert brings its partner along"},
    ParamSpec{"exponent", 0.0, 0.0, 8.0, "popularity of the r-th hottest expert is r^-exponent"}};
constexpr std::array kRaggedParams = {
    ParamSpec{"ranks", 8, 1, 65536, "source ranks"},
    ParamSpec{"unevenness", 1.0, 0.0, 8.0, "rank r, from 1, holds tokens as r^-unevenness"},
    ParamSpec{"exponent", 0.0, 0.0, 8.0, "popularity of the r-th hottest expert is r^-exponent"}};
constexpr std::array kReinforcementParams = {
    ParamSpec{"eta", 0.1, 0.0, 1e4, "what a step's tokens add to the scores"},
    ParamSpec{"lambda", 0.05, 1e-6, 0.999, "share of a score lost in a step"},
    ParamSpec{"tau", 1.0, 1e-6, 1e6, "temperature of the softmax over scores"}};

constexpr std::array kSkewModels = {
    SkewModelRow{"uniform", "every expert equally popular", {}, "", 0.0, 0.0, skew::make_uniform},
    SkewModelRow{"zipf", "popularity falls as a power of the rank", kZipfParams, "exponent", 0.0,
                 8.0, skew::make_zipf},
    SkewModelRow{"gaussian", "a normal bias on each expert's logit, drawn per layer",
                 kGaussianParams, "sigma", 0.0, 8.0, skew::make_gaussian},
    SkewModelRow{"hot", "a few experts take a given share", kHotParams, "share", 0.0, 1.0,
                 skew::make_hot},
    SkewModelRow{"dirichlet", "popularity drawn from a Dirichlet law, per layer", kDirichletParams,
                 "concentration", 1000.0, 0.001, skew::make_dirichlet},
    SkewModelRow{"lognormal",
                 "popularity at the quantiles of a log-normal law, the same in each "
                 "layer",
                 kLognormalParams, "sigma", 0.0, 8.0, skew::make_lognormal},
    SkewModelRow{"drift", "a Zipf popularity whose hot set moves every few steps", kDriftParams,
                 "exponent", 0.0, 8.0, skew::make_drift},
    SkewModelRow{"bursty", "each run of tokens has a bias of its own, as requests do",
                 kBurstyParams, "sigma", 0.0, 8.0, skew::make_bursty},
    SkewModelRow{"domains", "a Markov chain of topics, each with its own popularity",
                 kDomainsParams, "sigma", 0.0, 8.0, skew::make_domains},
    SkewModelRow{"coactivated", "experts chosen in pairs", kCoactivatedParams, "exponent", 0.0, 8.0,
                 skew::make_coactivated},
    SkewModelRow{"ragged", "source ranks with unequal token counts", kRaggedParams, "exponent", 0.0,
                 8.0, skew::make_ragged},
    SkewModelRow{"reinforcement", "rich get richer: tokens raise the score that draws them",
                 kReinforcementParams, "eta", 0.0, 1000.0, skew::make_reinforcement},
};

}  // namespace

std::vector<RegimeRun> SkewModel::regimes(std::int64_t, int, std::int64_t tokens) const {
  return {{0, tokens}};
}

namespace skew {

void FixedPopularity::fill_popularity(int layer, std::int64_t, std::span<double> popularity) const {
  const auto& source =
      by_layer_.size() == 1 ? by_layer_.front() : by_layer_[static_cast<std::size_t>(layer)];
  std::copy(source.begin(), source.end(), popularity.begin());
}

}  // namespace skew

std::span<const SkewModelRow> skew_models() { return kSkewModels; }

const SkewModelRow& find_skew_model(std::string_view text) {
  return find_row(kSkewModels, "skew model", choice_name(text));
}

}  // namespace hotexpert
