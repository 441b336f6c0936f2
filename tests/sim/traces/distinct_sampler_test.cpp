#include "sim/traces/distinct_sampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "sim/traces/id_kernels.hpp"
#include "sim/traces/philox_lanes.hpp"
#include "sim/traces/philox_loops.hpp"

namespace hotexpert {
namespace {

std::vector<StoredExpert> draw(const std::vector<double>& popularity, std::uint32_t tokens,
                               int top_k, std::uint64_t seed) {
  std::vector<std::uint32_t> items(tokens);
  std::iota(items.begin(), items.end(), 0U);
  std::vector<StoredExpert> ids(tokens * static_cast<std::size_t>(top_k));
  draw_distinct(PopularityTable(popularity), {seed, RandomPurpose::kTest, 2, 3}, items, top_k, ids);
  return ids;
}

/// Probability of each ordered choice of k experts under Plackett-Luce, by enumeration.
void enumerate(const std::vector<double>& weights, std::vector<StoredExpert>& prefix,
               std::size_t top_k, double probability,
               std::map<std::vector<StoredExpert>, double>& out) {
  if (prefix.size() == top_k) {
    out[prefix] = probability;
    return;
  }
  double left = 0;
  for (std::size_t e = 0; e < weights.size(); ++e) {
    const auto id = static_cast<StoredExpert>(e);
    if (std::find(prefix.begin(), prefix.end(), id) == prefix.end()) left += weights[e];
  }
  for (std::size_t e = 0; e < weights.size(); ++e) {
    const auto id = static_cast<StoredExpert>(e);
    if (std::find(prefix.begin(), prefix.end(), id) != prefix.end()) continue;
    prefix.push_back(id);
    enumerate(weights, prefix, top_k, probability * weights[e] / left, out);
    prefix.pop_back();
  }
}

class PlackettLuceTest
    : public testing::TestWithParam<std::pair<std::vector<double>, std::size_t>> {};

TEST_P(PlackettLuceTest, EveryOrderedChoiceHasItsProbability) {
  const auto& [weights, top_k] = GetParam();
  std::map<std::vector<StoredExpert>, double> expected;
  std::vector<StoredExpert> prefix;
  enumerate(weights, prefix, top_k, 1.0, expected);
  constexpr std::uint32_t kTokens = 400000;
  const auto ids = draw(weights, kTokens, static_cast<int>(top_k), 5);
  std::map<std::vector<StoredExpert>, double> counted;
  for (std::uint32_t t = 0; t < kTokens; ++t) {
    const auto* row = ids.data() + t * top_k;
    ++counted[std::vector<StoredExpert>(row, row + top_k)];
  }
  for (const auto& [choice, count] : counted) EXPECT_TRUE(expected.contains(choice));
  for (const auto& [choice, p] : expected) {
    const double sigma = std::sqrt(kTokens * p * (1 - p));
    EXPECT_NEAR(counted[choice], kTokens * p, 5 * sigma + 1) << testing::PrintToString(choice);
  }
}

// The last two keep repeating the hot expert, so that most tokens end in exact draws.
INSTANTIATE_TEST_SUITE_P(Laws, PlackettLuceTest,
                         testing::Values(std::pair{std::vector<double>{1, 1, 1, 1}, 2U},
                                         std::pair{std::vector<double>{8, 4, 2, 1}, 3U},
                                         std::pair{std::vector<double>{1, 2, 3, 4, 5}, 1U},
                                         std::pair{std::vector<double>{3, 1, 2}, 3U},
                                         std::pair{std::vector<double>{0.2, 0.3, 1000, 0.5}, 3U},
                                         std::pair{std::vector<double>{1e6, 1, 2, 3, 1e3}, 4U}),
                         [](const auto& row) { return "Case" + std::to_string(row.index); });

TEST(DistinctSamplerTest, EveryTokenNamesDistinctExpertsEvenUnderExtremeSkew) {
  for (const int experts : {1, 2, 3, 8, 9, 256, 1000}) {
    for (const int top_k : {1, 2, 4, 5, 8, 9, 64}) {
      if (top_k > experts) continue;
      std::vector<double> popularity(static_cast<std::size_t>(experts), 0.0);
      popularity[static_cast<std::size_t>(experts) / 2] = 1.0;  // all others: zero
      const auto ids = draw(popularity, 300, top_k, 1);
      for (std::size_t t = 0; t < 300; ++t) {
        const auto k = static_cast<std::size_t>(top_k);
        const std::set<StoredExpert> unique(ids.begin() + static_cast<std::ptrdiff_t>(t * k),
                                            ids.begin() + static_cast<std::ptrdiff_t>(t * k + k));
        ASSERT_EQ(unique.size(), k) << experts << " experts, top-" << top_k << ", token " << t;
        ASSERT_GE(*unique.begin(), 0);
        ASSERT_LT(*unique.rbegin(), experts);
      }
    }
  }
}

TEST(DistinctSamplerTest, ATokenDrawsTheSameWhateverItIsDrawnWith) {
  const std::vector<double> popularity = {9, 1, 4, 4, 2, 7, 1, 1, 30};
  const RandomKey key{77, RandomPurpose::kTest, 0, 0};
  const PopularityTable table(popularity);
  const int k = 5;
  std::vector<std::uint32_t> items(1000);
  std::iota(items.begin(), items.end(), 0U);
  std::vector<StoredExpert> together(items.size() * k);
  draw_distinct(table, key, items, k, together);
  std::vector<StoredExpert> apart(items.size() * k);
  std::reverse(items.begin(), items.end());
  for (std::size_t start = 0; start < items.size(); start += 7) {
    draw_distinct(table, key,
                  std::span(items).subspan(start, std::min<std::size_t>(7, items.size() - start)),
                  k, apart);
  }
  EXPECT_EQ(together, apart);
}

TEST(PopularityTableTest, AliasProbabilitiesAddUpToTheWeights) {
  // Every 2^20-th word: each bucket's share of words must match the weights to 2^-12.
  const std::vector<double> popularity = {1, 2, 3, 4, 0, 90};
  const PopularityTable table(popularity);
  std::vector<double> share(popularity.size());
  constexpr std::uint32_t kStride = 1U << 12;
  for (std::uint64_t word = kStride / 2; word < (std::uint64_t{1} << 32); word += kStride) {
    share[static_cast<std::size_t>(table.draw(static_cast<std::uint32_t>(word)))] +=
        kStride * 0x1p-32;
  }
  for (std::size_t e = 0; e < popularity.size(); ++e) {
    EXPECT_NEAR(share[e], popularity[e] / 100, 1e-5) << "expert " << e;
    EXPECT_NEAR(static_cast<double>(table.weight(static_cast<StoredExpert>(e))) * 0x1p-46,
                popularity[e] / 100, 1e-13);
  }
}

/// Against a walk over all experts: taken ones, zero popularity and both ends of the bits included.
TEST(PopularityTableTest, AnotherIsTheOneWhoseWeightHoldsThePosition) {
  const std::vector<double> popularity = {5, 0, 1, 1, 30, 2, 0, 9, 3, 1, 1};
  const PopularityTable table(popularity);
  RandomStream random({1, RandomPurpose::kTest, 0, 0}, 0);
  for (int round = 0; round < 20000; ++round) {
    std::vector<StoredExpert> taken;
    for (StoredExpert e = 0; e < table.num_experts(); ++e)
      if (random.below(2) == 0 && std::ssize(taken) < table.num_experts() - 1) taken.push_back(e);
    const std::uint64_t bits = round == 0   ? 0
                               : round == 1 ? ~std::uint64_t{0}
                                            : std::uint64_t{random.next()} << 32 | random.next();
    std::uint64_t left = 0;
    for (StoredExpert e = 0; e < table.num_experts(); ++e)
      if (!std::binary_search(taken.begin(), taken.end(), e)) left += table.weight(e);
    __extension__ using Wide = unsigned __int128;
    auto position = static_cast<std::uint64_t>(Wide{bits} * left >> 64);
    StoredExpert expected = 0;
    for (;; ++expected) {
      if (std::binary_search(taken.begin(), taken.end(), expected)) continue;
      if (position < table.weight(expected)) break;
      position -= table.weight(expected);
    }
    ASSERT_EQ(table.draw_other(bits, taken), expected);
  }
}

TEST(PhiloxLanesTest, EveryInstructionSetGivesTheSameWords) {
  if (!has_avx2()) GTEST_SKIP() << "this processor has no AVX2";
  constexpr std::size_t kItems = 4 * kPhiloxLanes;
  std::vector<std::uint32_t> items(kItems);
  for (std::size_t i = 0; i < kItems; ++i) items[i] = static_cast<std::uint32_t>(i * 2654435761U);
  const PhiloxCall call{0xdeadbeefU, 0xffffffffU, 7, 0xfffffffeU, 0x80000000U};
  std::vector<std::uint32_t> baseline(4 * kItems);
  std::vector<std::uint32_t> avx2(4 * kItems);
  philox_loop_Baseline(call, items.data(), kItems, baseline.data(), kItems);
  philox_loop_Avx2(call, items.data(), kItems, avx2.data(), kItems);
  EXPECT_EQ(baseline, avx2);
}

TEST(PhiloxLanesTest, GivesTheWordsOfTheScalarGenerator) {
  for (const std::size_t n : {1U, 15U, 16U, 17U, 40U}) {
    std::vector<std::uint32_t> items(n);
    for (std::size_t i = 0; i < n; ++i) items[i] = static_cast<std::uint32_t>(i * 2654435761U);
    std::vector<std::uint32_t> words(4 * n);
    const RandomKey key{0x123456789abcdefULL, RandomPurpose::kRouting, 0xffffffffU, 7};
    philox_lanes(key, items, 0x80000001U, words);
    for (std::size_t i = 0; i < n; ++i) {
      const auto expected = philox(key, items[i], 0x80000001U);
      for (std::size_t w = 0; w < 4; ++w) ASSERT_EQ(words[w * n + i], expected[w]);
    }
  }
}

}  // namespace
}  // namespace hotexpert
