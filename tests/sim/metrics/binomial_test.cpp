#include "sim/metrics/binomial.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace hotexpert {
namespace {

__extension__ using Quad = __float128;

/// E[(L - C)+] with 113 bits: weights by the ratio of neighbours from the mode outwards, normalised
/// by their own sum. Shares no formula with the product.
double quad_excess(std::int64_t n, Quad p, std::int64_t capacity) {
  const Quad odds = p / (1 - p);
  const auto mode = static_cast<std::int64_t>(static_cast<Quad>(n) * p);
  Quad total = 0;
  Quad excess = 0;
  const auto add = [&](std::int64_t x, Quad weight) {
    total += weight;
    if (x > capacity) excess += weight * static_cast<Quad>(x - capacity);
  };
  Quad weight = 1;
  add(mode, weight);
  for (std::int64_t x = mode; x < n; ++x) {
    weight *= static_cast<Quad>(n - x) / static_cast<Quad>(x + 1) * odds;
    if (weight < static_cast<Quad>(1e-300) * static_cast<Quad>(1e-300)) break;
    add(x + 1, weight);
  }
  weight = 1;
  for (std::int64_t x = mode; x > 0; --x) {
    weight *= static_cast<Quad>(x) / (static_cast<Quad>(n - x + 1) * odds);
    if (weight < static_cast<Quad>(1e-60)) break;
    add(x - 1, weight);
  }
  return static_cast<double>(excess / total);
}

struct Case {
  std::int64_t n;
  int k;
  int e;
};

TEST(BinomialExcessTest, AgreesWith113BitSumsTo1em12AndInDeepTailsTo1em10) {
  const std::vector<Case> cases = {{1, 1, 2},         {2, 1, 3},       {10, 1, 7},
                                   {100, 3, 10},      {1024, 8, 256},  {4096, 2, 64},
                                   {4096, 1, 8},      {16, 6, 64},     {65536, 8, 256},
                                   {1000000, 7, 128}, {20000, 63, 64}, {500, 1, 1000}};
  for (const auto& c : cases) {
    const long double p = static_cast<long double>(c.k) / c.e;
    const double mean = static_cast<double>(c.n) * c.k / c.e;
    const double sd = std::sqrt(mean * (1 - static_cast<double>(p)));
    for (const double z : {-30., -6., -2., -0.5, 0., 0.3, 1., 2., 4., 4.75, 6., 10., 20., 35.}) {
      const auto capacity = static_cast<std::int64_t>(mean + z * sd);
      if (capacity < 0 || capacity > c.n) continue;
      const double expected = quad_excess(c.n, static_cast<Quad>(c.k) / c.e, capacity);
      const double got = expected_binomial_excess(c.n, p, capacity);
      SCOPED_TRACE(::testing::Message() << c.n << " " << c.k << "/" << c.e << " C=" << capacity);
      EXPECT_LE(std::abs(got - expected), 1e-12 * expected);
    }
  }
}

TEST(BinomialExcessTest, HoldsAtABillionTokens) {
  for (const auto capacity : {500000000LL - 50000, 500000000LL - 1, 500000000LL,
                              500000000LL + 20000, 500000000LL + 100000}) {
    const double expected = quad_excess(1000000000, static_cast<Quad>(1) / 2, capacity);
    EXPECT_LE(std::abs(expected_binomial_excess(1000000000, 0.5L, capacity) - expected),
              1e-12 * expected)
        << capacity;
  }
}

TEST(BinomialExcessTest, SmallCasesAreExactFractions) {
  EXPECT_DOUBLE_EQ(expected_binomial_excess(2, 0.5L, 1), 0.25);   // both heads: one too many
  EXPECT_DOUBLE_EQ(expected_binomial_excess(3, 0.5L, 1), 0.625);  // (3 * 1 + 1 * 2) / 8
  EXPECT_DOUBLE_EQ(expected_binomial_excess(5, 0.2L, 0), 1.0);    // all of the mean
}

TEST(BinomialExcessTest, EdgesAreDefined) {
  EXPECT_EQ(expected_binomial_excess(0, 0.5L, 0), 0.0);
  EXPECT_EQ(expected_binomial_excess(10, 0.0L, 0), 0.0);
  EXPECT_EQ(expected_binomial_excess(10, 1.0L, 4), 6.0);
  EXPECT_EQ(expected_binomial_excess(10, 0.5L, 10), 0.0);
  EXPECT_EQ(expected_binomial_excess(10, 0.5L, 1000000), 0.0);
  EXPECT_THROW(expected_binomial_excess(10, 1.5L, 1), std::invalid_argument);
  EXPECT_THROW(expected_binomial_excess(-1, 0.5L, 1), std::invalid_argument);
  EXPECT_THROW(expected_binomial_excess(10, 0.5L, -1), std::invalid_argument);
}

TEST(BinomialProbabilityTest, AddsUpToOne) {
  for (const std::int64_t n : {1, 2, 15, 16, 17, 40, 1000}) {
    for (const long double p : {0.001L, 0.3L, 0.5L, 0.97L}) {
      long double sum = 0;
      for (std::int64_t x = 0; x <= n; ++x) sum += binomial_probability(n, p, x);
      EXPECT_NEAR(static_cast<double>(sum - 1), 0.0, 1e-16) << n;
    }
  }
}

TEST(DropFloorTest, HasThePublishedValue) {
  EXPECT_NEAR(expected_drop_fraction(1024, 256, 8, 32), 0.0692, 0.00005);
  // Independent draws, as a sampler with replacement makes them, drop more.
  EXPECT_NEAR(expected_binomial_excess(1024 * 8, 1.0L / 256, 32) * 256 / (1024 * 8), 0.0702,
              0.00005);
}

TEST(DropFloorTest, EdgesAreDefined) {
  EXPECT_EQ(expected_drop_fraction(0, 8, 2, 0), 0.0);
  EXPECT_EQ(expected_drop_fraction(100, 8, 2, 0), 1.0);
  EXPECT_EQ(expected_drop_fraction(100, 8, 8, 99), 0.01);  // k = E: every expert gets every token
  EXPECT_EQ(expected_drop_fraction(100, 1, 1, 50), 0.5);
  EXPECT_EQ(expected_drop_fraction(100, 8, 2, 1000000), 0.0);
}

TEST(DropFloorTest, EqualInclusionIsTheUniformFloor) {
  const std::vector<double> inclusion(64, 2.0 / 64);
  for (const std::int64_t capacity : {100, 128, 160}) {
    const double uniform = expected_drop_fraction(4096, 64, 2, capacity);
    EXPECT_NEAR(expected_drop_fraction(4096, inclusion, capacity), uniform, 1e-14 * uniform);
  }
}

}  // namespace
}  // namespace hotexpert
