#include "sim/model/load_profile.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "sim/base/errors.hpp"
#include "sim/base/math.hpp"
#include "sim/base/random.hpp"
#include "sim/metrics/plackett_luce.hpp"

namespace hotexpert {
namespace {

constexpr double kLargestExponent = 8;
constexpr int kBisections = 22;  // the exponent to 2e-6
constexpr double kNormalFromVariance = 64;

std::vector<double> zipf_inclusion(int num_experts, int top_k, double exponent) {
  std::vector<double> popularity;
  for (int i = 1; i <= num_experts; ++i) {
    popularity.push_back(portable_exp(-exponent * portable_log(i)));
  }
  return plackett_luce_inclusion(popularity, top_k);
}

std::int64_t draw_binomial(std::int64_t n, double p, RandomStream& random) {
  const auto count = static_cast<double>(n);
  const double deviation = std::sqrt(count * p * (1 - p));
  if (deviation * deviation > kNormalFromVariance) {
    const auto x =
        static_cast<std::int64_t>(std::floor(count * p + deviation * random.normal() + 0.5));
    return std::clamp<std::int64_t>(x, 0, n);
  }
  if (p > 0.5) return n - draw_binomial(n, 1 - p, random);
  double left = random.uniform();
  double probability = portable_exp(count * portable_log(1 - p));
  std::int64_t x = 0;
  while (left > probability && x < n) {
    left -= probability;
    probability *= (count - static_cast<double>(x)) / (static_cast<double>(x) + 1) * p / (1 - p);
    ++x;
  }
  return x;
}

}  // namespace

double LoadProfile::largest_skew(int num_experts, int top_k) {
  return zipf_inclusion(num_experts, top_k, kLargestExponent).front() * num_experts / top_k;
}

LoadProfile::LoadProfile(int num_experts, int top_k, double skew) {
  const double mean_inclusion = static_cast<double>(top_k) / num_experts;
  const auto skew_at = [&](double exponent) {
    return zipf_inclusion(num_experts, top_k, exponent).front() / mean_inclusion;
  };
  const double largest = largest_skew(num_experts, top_k);
  if (!(skew >= 1) || skew > largest) {
    throw UsageError("skew " + std::to_string(skew) + " is out of reach: " +
                     std::to_string(num_experts) + " experts, " + std::to_string(top_k) +
                     " a token, allow a max/mean load from 1 to " + std::to_string(largest));
  }
  double low = 0;
  double high = kLargestExponent;
  for (int step = 0; step < kBisections; ++step) {
    const double middle = (low + high) / 2;
    (skew_at(middle) < skew ? low : high) = middle;
  }
  exponent_ = skew == 1 ? 0 : (low + high) / 2;
  inclusion_ = zipf_inclusion(num_experts, top_k, exponent_);
}

std::vector<std::int64_t> LoadProfile::draw(std::int64_t tokens, std::uint32_t draw) const {
  const RandomKey key{0, RandomPurpose::kPopularity, static_cast<std::uint32_t>(tokens), 1};
  RandomStream random(key, draw);
  std::vector<std::int64_t> loads;
  for (const double p : inclusion_) loads.push_back(draw_binomial(tokens, p, random));
  RandomStream order({0, RandomPurpose::kShuffleExperts, 0, 1}, draw);
  for (std::size_t i = loads.size(); i > 1; --i) {
    std::swap(loads[i - 1], loads[order.below(static_cast<std::uint32_t>(i))]);
  }
  return loads;
}

std::vector<std::int64_t> equal_loads(int num_experts, int top_k, std::int64_t tokens) {
  const std::int64_t assignments = tokens * top_k;
  std::vector<std::int64_t> loads(static_cast<std::size_t>(num_experts), assignments / num_experts);
  // The remainder is spread evenly, so that ranks too stay equal to +-1 row an expert.
  const std::int64_t extra = assignments % num_experts;
  for (std::int64_t i = 0; i < extra; ++i) {
    ++loads[static_cast<std::size_t>(i * num_experts / extra)];
  }
  return loads;
}

std::vector<std::int64_t> hottest_rank_rows(const std::vector<std::int64_t>& loads, int ranks) {
  const std::size_t local = loads.size() / static_cast<std::size_t>(ranks);
  std::size_t hottest = 0;
  std::int64_t most = -1;
  for (std::size_t first = 0; first + local <= loads.size(); first += local) {
    const auto part = std::span(loads).subspan(first, local);
    const auto rows = std::accumulate(part.begin(), part.end(), std::int64_t{0});
    if (rows > most) {
      most = rows;
      hottest = first;
    }
  }
  const auto part = std::span(loads).subspan(hottest, local);
  return {part.begin(), part.end()};
}

}  // namespace hotexpert
