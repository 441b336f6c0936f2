#include "sim/traces/skew/regime_runs.hpp"

#include "sim/base/random.hpp"

namespace hotexpert::skew {

std::int64_t RegimeChain::change_at(std::int64_t step, std::int64_t token,
                                    std::uint32_t chain) const {
  const RandomKey key{seed_, RandomPurpose::kRegime, static_cast<std::uint32_t>(step), chain};
  const auto words = philox(key, static_cast<std::uint32_t>(token), 0);
  const bool first_of_all = step == 0 && token == 0;
  if (!first_of_all && unit_interval(words[0], words[1]) * mean_run_ >= 1.0) return -1;
  return static_cast<std::int64_t>((std::uint64_t{words[2]} * regimes_) >> 32);
}

std::int64_t RegimeChain::regime_before(std::int64_t step, std::uint32_t chain) const {
  // Ends at the latest at the first token of all, which always draws.
  for (std::int64_t earlier = step - 1;; --earlier) {
    for (std::int64_t token = tokens_ - 1; token >= 0; --token) {
      const auto regime = change_at(earlier, token, chain);
      if (regime >= 0) return regime;
    }
  }
}

std::vector<RegimeRun> RegimeChain::runs(std::int64_t step, std::uint32_t chain) const {
  std::vector<RegimeRun> out;
  for (std::int64_t token = 0; token < tokens_; ++token) {
    const auto regime = change_at(step, token, chain);
    if (regime >= 0 || token == 0) {
      out.push_back({regime >= 0 ? regime : regime_before(step, chain), 1});
    } else {
      ++out.back().tokens;
    }
  }
  return out;
}

}  // namespace hotexpert::skew
