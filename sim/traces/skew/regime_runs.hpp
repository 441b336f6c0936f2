#pragma once

#include <cstdint>
#include <vector>

#include "sim/traces/skew_model.hpp"

namespace hotexpert::skew {

/// A Markov chain of regimes over all tokens of a trace: before each token the regime is drawn anew
/// with probability 1 / mean_run, so runs are geometric and go on across steps. Any step can be
/// computed alone: the regime at its start is found by looking back to the last change.
class RegimeChain {
 public:
  /// @param mean_run tokens, >= 1   @param regimes to draw from, equally likely
  RegimeChain(std::uint64_t seed, double mean_run, std::uint32_t regimes, std::int64_t tokens)
      : seed_(seed), mean_run_(mean_run), regimes_(regimes), tokens_(tokens) {}

  /// @param chain 0 when all layers share the chain, or the layer
  [[nodiscard]] std::vector<RegimeRun> runs(std::int64_t step, std::uint32_t chain) const;

 private:
  /// The regime drawn before this token, or -1 when it keeps the one before.
  [[nodiscard]] std::int64_t change_at(std::int64_t step, std::int64_t token,
                                       std::uint32_t chain) const;
  [[nodiscard]] std::int64_t regime_before(std::int64_t step, std::uint32_t chain) const;

  std::uint64_t seed_;
  double mean_run_;
  std::uint32_t regimes_;
  std::int64_t tokens_;  // of a step
};

}  // namespace hotexpert::skew
