#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "sim/traces/skew_model.hpp"

namespace hotexpert::skew {

/// A popularity vector a layer, computed once; one regime.
class FixedPopularity : public SkewModel {
 public:
  /// @param by_layer [layers][E], or [1][E] when every layer has the same
  explicit FixedPopularity(std::vector<std::vector<double>> by_layer)
      : by_layer_(std::move(by_layer)) {}
  void fill_popularity(int layer, std::int64_t regime, std::span<double> popularity) const override;

 private:
  std::vector<std::vector<double>> by_layer_;
};

// One factory a model, in the file of its name. Parameters are declared beside the rows, in
// skew_models.cpp.
using Model = std::unique_ptr<SkewModel>;
Model make_uniform(const NamedChoice& choice, const SkewContext& context);
Model make_zipf(const NamedChoice& choice, const SkewContext& context);
Model make_gaussian(const NamedChoice& choice, const SkewContext& context);
Model make_hot(const NamedChoice& choice, const SkewContext& context);
Model make_dirichlet(const NamedChoice& choice, const SkewContext& context);
Model make_lognormal(const NamedChoice& choice, const SkewContext& context);
Model make_drift(const NamedChoice& choice, const SkewContext& context);
Model make_bursty(const NamedChoice& choice, const SkewContext& context);
Model make_domains(const NamedChoice& choice, const SkewContext& context);
Model make_coactivated(const NamedChoice& choice, const SkewContext& context);
Model make_ragged(const NamedChoice& choice, const SkewContext& context);
Model make_reinforcement(const NamedChoice& choice, const SkewContext& context);

/// r^-exponent for r = 1 … E.
std::vector<double> zipf_popularity(int num_experts, double exponent);

/// A standard normal number for (seed, layer, regime, expert).
double normal_bias(std::uint64_t seed, int layer, std::int64_t regime, int expert);

}  // namespace hotexpert::skew
