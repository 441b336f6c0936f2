#include "sim/traces/gate_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace hotexpert {
namespace {

/// The many-token form against the one-token form, bit for bit: token counts around a chunk, tokens
/// in any order, every k.
TEST(GateWeightsTest, ManyTokensGetTheNumbersOfEach) {
  const RandomKey key{77, RandomPurpose::kRouting, 5, 2};
  for (const std::size_t top_k : {1U, 2U, 3U, 4U, 5U, 8U, 13U, 64U}) {
    for (const std::uint32_t count : {0U, 1U, 255U, 256U, 257U, 600U}) {
      std::vector<std::uint32_t> tokens;
      for (std::uint32_t i = 0; i < count; ++i) tokens.push_back(i * 7 % 601);
      std::vector<float> all(601 * top_k, -1.0F);
      draw_gate_weights(key, tokens, static_cast<int>(top_k), all);
      std::vector<float> expected(601 * top_k, -1.0F);
      for (const auto token : tokens)
        draw_gate_weights(key, token, std::span(expected).subspan(token * top_k, top_k));
      ASSERT_EQ(all, expected) << "k = " << top_k << ", " << count << " tokens";
    }
  }
}

TEST(GateWeightsTest, FallAndSumToOne) {
  std::vector<float> weights(6);
  for (std::uint32_t token = 0; token < 1000; ++token) {
    draw_gate_weights({3, RandomPurpose::kRouting, 0, 0}, token, weights);
    EXPECT_TRUE(std::is_sorted(weights.rbegin(), weights.rend()));
    EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-6);
  }
}

}  // namespace
}  // namespace hotexpert
