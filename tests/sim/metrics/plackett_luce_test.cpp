#include "sim/metrics/plackett_luce.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

/// Follows every order of drawing. The weight left is summed afresh: a difference would lose
/// digits.
void draw(const std::vector<double>& popularity, std::vector<bool>& taken, int more,
          double probability, std::vector<double>& inclusion) {
  double left = 0;
  for (std::size_t i = 0; i < popularity.size(); ++i) left += taken[i] ? 0 : popularity[i];
  for (std::size_t i = 0; i < popularity.size(); ++i) {
    if (taken[i] || popularity[i] == 0) continue;
    const double here = probability * popularity[i] / left;
    inclusion[i] += here;
    if (more == 1) continue;
    taken[i] = true;
    draw(popularity, taken, more - 1, here, inclusion);
    taken[i] = false;
  }
}

std::vector<double> by_enumeration(const std::vector<double>& popularity, int top_k) {
  std::vector<double> inclusion(popularity.size(), 0.0);
  std::vector<bool> taken(popularity.size(), false);
  draw(popularity, taken, top_k, 1.0, inclusion);
  return inclusion;
}

TEST(PlackettLuceTest, EqualsTheEnumerationOfAllOrders) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    RandomStream random({.seed = seed}, 0);
    const auto experts = 1 + random.below(7);
    const auto top_k = 1 + static_cast<int>(random.below(experts));
    std::vector<double> popularity;
    const double spread = seed % 3 == 0 ? 8.0 : 2.0;  // weights over up to e^±16
    for (std::uint32_t e = 0; e < experts; ++e)
      popularity.push_back(std::exp(spread * random.normal()));
    const auto expected = by_enumeration(popularity, top_k);
    const auto got = plackett_luce_inclusion(popularity, top_k);
    for (std::size_t e = 0; e < experts; ++e) {
      EXPECT_NEAR(got[e], expected[e], 1e-12) << "seed " << seed << ", expert " << e;
    }
  }
}

TEST(PlackettLuceTest, HottestOfZipfIsThePublishedValue) {
  std::vector<double> popularity;
  for (int rank = 1; rank <= 128; ++rank) popularity.push_back(1.0 / rank);
  const auto inclusion = plackett_luce_inclusion(popularity, 8);
  EXPECT_NEAR(inclusion[0], 0.836, 0.0005);
  const double harmonic = std::accumulate(popularity.begin(), popularity.end(), 0.0);
  EXPECT_NEAR(8 / harmonic, 1.47, 0.005);
}

TEST(PlackettLuceTest, AddsUpToKForLargeLayers) {
  for (const int top_k : {1, 8, 64}) {
    std::vector<double> popularity;
    for (int rank = 1; rank <= 1024; ++rank) popularity.push_back(std::pow(rank, -1.2));
    const auto inclusion = plackett_luce_inclusion(popularity, top_k);
    EXPECT_NEAR(std::accumulate(inclusion.begin(), inclusion.end(), 0.0), top_k, 1e-11 * top_k);
    EXPECT_TRUE(std::is_sorted(inclusion.rbegin(), inclusion.rend()));
  }
}

TEST(PlackettLuceTest, UniformIsKOverE) {
  for (const double share : plackett_luce_inclusion(std::vector<double>(256, 3.0), 8)) {
    EXPECT_NEAR(share, 8.0 / 256, 1e-14);
  }
}

TEST(PlackettLuceTest, EdgesAreDefined) {
  EXPECT_EQ(plackett_luce_inclusion(std::vector<double>{5.0}, 1), std::vector<double>{1.0});
  EXPECT_EQ(plackett_luce_inclusion(std::vector<double>{1, 2, 3}, 3),
            (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(plackett_luce_inclusion(std::vector<double>{1, 0, 3}, 2),
            (std::vector<double>{1, 0, 1}));
  EXPECT_THROW(plackett_luce_inclusion(std::vector<double>{1, 0, 3}, 3), UsageError);
  EXPECT_THROW(plackett_luce_inclusion(std::vector<double>{1, -1}, 1), UsageError);
  EXPECT_THROW(
      plackett_luce_inclusion(std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()}, 1),
      UsageError);
}

}  // namespace
}  // namespace hotexpert
