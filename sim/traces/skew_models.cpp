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

constexpr std::array kSkewModels = {
    SkewModelRow{"uniform", "every expert equally popular", {}, "", 0.0, 0.0, skew::make_uniform},
    SkewModelRow{"zipf", "popularity falls as a power of the rank", kZipfParams, "exponent", 0.0,
                 8.0, skew::make_zipf},
    SkewModelRow{"gaussian", "a normal bias on each expert's logit, drawn per layer",
                 kGaussianParams, "sigma", 0.0, 8.0, skew::make_gaussian},
    SkewModelRow{"hot", "a few experts take a given share", kHotParams, "share", 0.0, 1.0,
                 skew::make_hot},
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
