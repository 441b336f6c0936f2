#include "sim/traces/gate_weights.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "sim/base/math.hpp"
#include "sim/traces/gate_loops.hpp"
#include "sim/traces/id_kernels.hpp"
#include "sim/traces/philox_lanes.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kWeightChunk = 256;  // tokens in flight: their gates stay in L1 or L2

RandomKey with_purpose(RandomKey key, RandomPurpose purpose) {
  key.purpose = purpose;
  return key;
}

/// Draws a chunk of tokens slot by slot, in loops over tokens.
class WeightChunk {
 public:
  WeightChunk(const RandomKey& key, std::size_t slots)
      : key_(key),
        slots_(slots),
        words_(kPhiloxWords * kWeightChunk + GateLoops::kLanes),
        gates_(slots) {}

  /// @param weights [rows, slots]
  void draw(std::span<const std::uint32_t> tokens, std::span<float> weights) {
    const std::size_t n = tokens.size();
    sums_.fill(0);
    for (std::size_t slot = 0; slot < slots_; ++slot) {
      const std::size_t word = slot % kPhiloxWords;
      if (word == 0) {
        philox_lanes(key_, tokens, static_cast<std::uint32_t>(slot / kPhiloxWords), words_);
      }
      loops_.exponentials(words_.data() + word * n, n, gates_[slot].data(), sums_.data());
    }
    sort_slots();
    for (Lanes& gates : gates_) loops_.shares(n, sums_.data(), gates.data());
    for (std::size_t i = 0; i < n; ++i) {
      float* const row = weights.data() + std::size_t{tokens[i]} * slots_;
      for (std::size_t slot = 0; slot < slots_; ++slot) {
        row[slot] = gates_[slot][i];
      }
    }
  }

 private:
  using Lanes = std::array<float, kWeightChunk>;

  /// Bubbles the largest gate of each token to the first slots; sorts all lanes at once.
  void sort_slots() {
    for (std::size_t first = 0; first + 1 < slots_; ++first) {
      for (std::size_t slot = slots_ - 1; slot > first; --slot) {
        Lanes& left = gates_[slot - 1];
        Lanes& right = gates_[slot];
        for (std::size_t i = 0; i < kWeightChunk; ++i) {
          const float larger = std::max(left[i], right[i]);
          right[i] = std::min(left[i], right[i]);
          left[i] = larger;
        }
      }
    }
  }

  RandomKey key_;
  const GateLoops& loops_ = has_avx2() ? kGateLoopsAvx2 : kGateLoopsBaseline;
  std::size_t slots_;
  std::vector<std::uint32_t> words_;  // [4, n]
  std::vector<Lanes> gates_;          // [k, chunk]
  std::array<double, kWeightChunk> sums_{};
};

}  // namespace

void draw_gate_weights(const RandomKey& key, std::uint32_t token, std::span<float> weights) {
  RandomStream stream(with_purpose(key, RandomPurpose::kGateWeight), token);
  double sum = 0;
  for (float& weight : weights) {
    weight = static_cast<float>(-portable_log(unit_interval(stream.next())));
    sum += static_cast<double>(weight);
  }
  std::sort(weights.begin(), weights.end(), std::greater<>());
  for (float& weight : weights) weight = static_cast<float>(static_cast<double>(weight) / sum);
}

void draw_gate_weights(const RandomKey& key, std::span<const std::uint32_t> tokens, int top_k,
                       std::span<float> weights) {
  const auto slots = static_cast<std::size_t>(top_k);
  WeightChunk chunk(with_purpose(key, RandomPurpose::kGateWeight), slots);
  for (std::size_t start = 0; start < tokens.size(); start += kWeightChunk) {
    chunk.draw(tokens.subspan(start, std::min(kWeightChunk, tokens.size() - start)), weights);
  }
}

void draw_scores(const PopularityTable& table, const RandomKey& key, std::uint32_t token,
                 std::span<const StoredExpert> chosen, std::span<float> scores) {
  RandomStream stream(with_purpose(key, RandomPurpose::kScores), token);
  // In the race every expert arrives after an exponential time of rate w_i. Given the order of the
  // first arrivals, the gaps between them are exponential with the rate of those still running, and
  // by lack of memory the others run on from the k-th arrival.
  std::vector<double> arrival(scores.size(), -1.0);
  double running = 0;
  for (std::size_t e = 0; e < scores.size(); ++e) {
    running += static_cast<double>(table.weight(static_cast<StoredExpert>(e)));
  }
  double now = 0;
  for (const auto expert : chosen) {
    now += stream.exponential() / running;
    arrival[static_cast<std::size_t>(expert)] = now;
    running -= static_cast<double>(table.weight(expert));
  }
  double sum = 0;
  for (std::size_t e = 0; e < scores.size(); ++e) {
    if (arrival[e] < 0) {
      const auto rate = static_cast<double>(table.weight(static_cast<StoredExpert>(e)));
      arrival[e] = now + stream.exponential() / rate;
    }
    sum += 1.0 / arrival[e];
  }
  for (std::size_t e = 0; e < scores.size(); ++e) {
    scores[e] = static_cast<float>(1.0 / arrival[e] / sum);
  }
}

}  // namespace hotexpert
