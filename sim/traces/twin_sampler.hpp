#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/core/ids.hpp"
#include "sim/traces/popularity_table.hpp"
#include "sim/traces/twin.hpp"

namespace hotexpert {

/// Draws the tokens of one layer of a twin, one after the other from the first.
class TwinSampler {
 public:
  /// @param model, layer outlive the sampler
  /// @param ordered false: independent tokens, by mean_share alone
  TwinSampler(const TwinModel& model, const TwinLayer& layer, std::uint32_t layer_index,
              std::uint64_t seed, bool ordered);

  /// The experts of the next token; valid until the next call.
  std::span<const StoredExpert> next();
  /// Gate weights of the token next() gave, falling, sum 1.
  void draw_weights(std::span<float> weights);

 private:
  [[nodiscard]] PopularityTable table_of(std::span<const float> share) const;
  [[nodiscard]] StoredExpert draw_expert();

  const TwinModel& model_;
  const TwinLayer& layer_;
  std::uint32_t layer_index_;
  std::uint64_t seed_;
  bool ordered_;
  std::int64_t token_ = 0;
  PopularityTable table_;
  RandomStream random_;
  std::vector<double> heat_;           // [E] share in this window / share overall
  std::vector<StoredExpert> experts_;  // of the token
};

}  // namespace hotexpert
