#pragma once

#include <cstdint>
#include <span>

#include "sim/base/math.hpp"
#include "sim/base/random.hpp"

namespace hotexpert::training {

/// What a draw of the router lab is for; part of its key. The values are part of the results: never
/// renumber, only append.
enum class DrawStream : std::uint32_t {
  kRouterInit = 1,
  kExpertInit = 2,
  kTaskInit = 3,     ///< trainable parts of a task: embeddings
  kTaskTruth = 4,    ///< the task itself: cluster centres, target maps
  kTrainTokens = 5,  ///< which tokens a training step sees
  kEvaluationTokens = 6,
  kTrainNoise = 7,  ///< token noise of a training step
  kEvaluationNoise = 8,
  kRouterNoise = 9,  ///< noisy top-k
};

inline RandomKey draw_key(std::uint64_t seed, DrawStream stream, std::uint32_t step = 0) {
  return {seed, RandomPurpose::kTraining, step, static_cast<std::uint32_t>(stream)};
}

/// Standard normal numbers, four from one Philox block (32 bits each).
/// @param item separates rows drawn under one key
template <class Scalar>
void fill_normal(const RandomKey& key, std::uint32_t item, double scale, std::span<Scalar> out) {
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const auto words = philox(key, item, static_cast<std::uint32_t>(i / 4));
    for (std::size_t j = 0; j < 4 && i + j < out.size(); ++j) {
      out[i + j] = static_cast<Scalar>(scale * portable_normal_quantile(unit_interval(words[j])));
    }
  }
}

}  // namespace hotexpert::training
