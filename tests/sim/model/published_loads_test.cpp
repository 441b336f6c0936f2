#include "sim/model/published_loads.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace hotexpert {
namespace {

using Loads = std::vector<std::int64_t>;

std::int64_t sum(const Loads& loads) {
  return std::accumulate(loads.begin(), loads.end(), std::int64_t{0});
}

std::int64_t rank_rows(const Loads& loads, int ranks, int rank) {
  const auto local = static_cast<std::ptrdiff_t>(loads.size()) / ranks;
  const auto first = loads.begin() + rank * local;
  return std::accumulate(first, first + local, std::int64_t{0});
}

TEST(PublishedLoadsTest, BalancedTokensStepThroughTheExperts) {
  // T >= s = ceil(8/2) = 4: token t takes t and t + 4 (mod 8), so token 4 wraps around.
  EXPECT_EQ(balanced_loads({4, 8, 2, 1}), Loads(8, 1));
  EXPECT_EQ(balanced_loads({5, 8, 2, 1}), (Loads{2, 1, 1, 1, 2, 1, 1, 1}));
  // T = 2 < 4: floor(t * 4 / 2 + i * 4): tokens take {0, 4} and {2, 6}.
  EXPECT_EQ(balanced_loads({2, 8, 2, 1}), (Loads{1, 0, 1, 0, 1, 0, 1, 0}));
}

TEST(PublishedLoadsTest, EveryDrawKeepsAllAssignmentsAndNoExpertExceedsTheTokens) {
  for (const int ranks : {1, 4, 16}) {
    for (const std::int64_t tokens : {1, 3, 16, 17, 200, 4096}) {
      for (std::uint32_t draw = 0; draw < 8; ++draw) {
        const auto loads = power_law_loads({tokens, 128, 8, ranks}, 1.2, draw);
        EXPECT_EQ(sum(loads), tokens * 8);
        EXPECT_GE(*std::min_element(loads.begin(), loads.end()), 0);
        EXPECT_LE(*std::max_element(loads.begin(), loads.end()), tokens);
        for (int rank = 1; rank < ranks; ++rank) {
          EXPECT_GE(rank_rows(loads, ranks, 0), rank_rows(loads, ranks, rank));
        }
      }
    }
  }
}

TEST(PublishedLoadsTest, ARankWhoseOnlyExpertIsFullTakesNoMore) {
  for (std::uint32_t draw = 0; draw < 60; ++draw) {
    const auto loads = power_law_loads({64, 8, 4, 8}, 1.2, draw);
    EXPECT_EQ(sum(loads), 64 * 4);
    EXPECT_EQ(*std::max_element(loads.begin(), loads.end()), loads[0]);
    EXPECT_LE(loads[0], 64);
  }
}

TEST(PublishedLoadsTest, EqualArgumentsGiveEqualLoadsAndDrawsDiffer) {
  const PublishedRouting routing{512, 64, 4, 8};
  EXPECT_EQ(power_law_loads(routing, 1.01, 3), power_law_loads(routing, 1.01, 3));
  EXPECT_NE(power_law_loads(routing, 1.01, 3), power_law_loads(routing, 1.01, 4));
  EXPECT_NE(power_law_loads(routing, 1.01, 3), power_law_loads(routing, 1.2, 3));
}

TEST(PublishedLoadsTest, DrawsAreTheSameOnEveryMachine) {
  EXPECT_EQ(power_law_loads({64, 8, 2, 2}, 1.2, 0), (Loads{22, 4, 17, 33, 5, 36, 4, 7}));
}

TEST(PublishedLoadsTest, OverflowFillsTheEmptiestExperts) {
  // Half of all assignments cannot go to one expert of 8 with k = 2 unless all tokens take it; what
  // is cut lands on the emptiest, so that no expert is dead at many tokens.
  int clamped = 0;
  for (std::uint32_t draw = 0; draw < 60; ++draw) {
    const auto loads = power_law_loads({4096, 8, 2, 1}, 1.01, draw);
    if (*std::max_element(loads.begin(), loads.end()) < 4096) continue;
    ++clamped;
    EXPECT_GT(*std::min_element(loads.begin(), loads.end()), 0);
  }
  EXPECT_GT(clamped, 0);
}

TEST(PublishedLoadsTest, LogUniformLoadsHaveTheirMedianFarBelowTheirMean) {
  // alpha near 1 is log-uniform on [1, 0.8 T]: median about sqrt(0.8 T), mean 0.8 T / ln(0.8 T).
  Loads pooled;
  const std::int64_t tokens = 8192;
  for (std::uint32_t draw = 0; draw < 20; ++draw) {
    const auto loads = power_law_loads({tokens, 128, 8, 1}, 1.01, draw);
    pooled.insert(pooled.end(), loads.begin(), loads.end());
  }
  std::sort(pooled.begin(), pooled.end());
  const double mean = 8192 * 8.0 / 128;
  EXPECT_LT(static_cast<double>(pooled[pooled.size() / 2]), 0.25 * mean);
}

}  // namespace
}  // namespace hotexpert
