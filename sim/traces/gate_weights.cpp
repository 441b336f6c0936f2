#include "sim/traces/gate_weights.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "sim/base/math.hpp"

namespace hotexpert {
namespace {

RandomKey with_purpose(RandomKey key, RandomPurpose purpose) {
  key.purpose = purpose;
  return key;
}

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
