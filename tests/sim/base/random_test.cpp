#include "sim/base/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace hotexpert {
namespace {

TEST(PhiloxTest, MatchesThePublishedKnownAnswers) {
  // Random123 kat_vectors, philox4x32 10 rounds, all-zero counter and key: here seed cancels the
  // purpose's multiple.
  const std::uint64_t seed =
      0 - static_cast<std::uint64_t>(RandomPurpose::kTest) * 0x9e3779b97f4a7c15ULL;
  const auto words =
      philox({.seed = seed, .purpose = RandomPurpose::kTest, .step = 0, .layer = 0}, 0, 0);
  EXPECT_EQ(words[0], 0x6627e8d5U);
  EXPECT_EQ(words[1], 0xe169c58dU);
  EXPECT_EQ(words[2], 0xbc57ac4cU);
  EXPECT_EQ(words[3], 0x9b00dbd8U);
}

TEST(RandomStreamTest, MomentsAreThoseOfTheDistributions) {
  RandomStream stream({.seed = 7, .purpose = RandomPurpose::kTest}, 3);
  const int n = 200000;
  double uniform = 0;
  double normal = 0;
  double normal2 = 0;
  double exponential = 0;
  for (int i = 0; i < n; ++i) {
    uniform += stream.uniform();
    const double z = stream.normal();
    normal += z;
    normal2 += z * z;
    exponential += stream.exponential();
  }
  const double five_sigma = 5 / std::sqrt(n);
  EXPECT_NEAR(uniform / n, 0.5, 0.29 * five_sigma);
  EXPECT_NEAR(normal / n, 0.0, five_sigma);
  EXPECT_NEAR(normal2 / n, 1.0, 1.42 * five_sigma);
  EXPECT_NEAR(exponential / n, 1.0, five_sigma);
}

TEST(RandomStreamTest, BelowIsUnbiased) {
  RandomStream stream({.seed = 9, .purpose = RandomPurpose::kTest}, 0);
  std::vector<int> counts(6);
  for (int i = 0; i < 60000; ++i) ++counts[stream.below(6)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 5 * std::sqrt(10000.0 * 5 / 6));
}

TEST(RandomStreamTest, PurposesAndItemsAreIndependentOfCallOrder) {
  RandomStream first({.seed = 1, .purpose = RandomPurpose::kRouting}, 5);
  RandomStream again({.seed = 1, .purpose = RandomPurpose::kRouting}, 5);
  RandomStream other({.seed = 1, .purpose = RandomPurpose::kWeights}, 5);
  const auto a = first.next();
  EXPECT_EQ(again.next(), a);
  EXPECT_NE(other.next(), a);
}

}  // namespace
}  // namespace hotexpert
