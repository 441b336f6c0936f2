#include "sim/traces/gate_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "sim/base/math.hpp"
#include "sim/traces/gate_loops.hpp"
#include "sim/traces/id_kernels.hpp"

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

/// Every instruction set against the formula, bit for bit, at the ends of the range, around powers
/// of two and between.
TEST(GateWeightsTest, LoopsOfEveryInstructionSetGiveThePortableLogarithm) {
  std::vector<std::uint32_t> words{0, 1, 2, 0xffffffffU, 0xfffffffeU, 0xb504f333U, 0xb504f334U};
  for (int bit = 1; bit < 32; ++bit) {
    for (const std::uint32_t near : {0U, 1U, 0xffffffffU}) words.push_back((1U << bit) + near);
  }
  RandomStream stream({9, RandomPurpose::kRouting, 0, 0}, 1);
  while (words.size() % GateLoops::kLanes != 0 || words.size() < 4096)
    words.push_back(stream.next());
  for (const GateLoops* loops : {&kGateLoopsBaseline, &kGateLoopsAvx2}) {
    if (loops == &kGateLoopsAvx2 && !has_avx2()) continue;
    std::vector<float> gates(words.size());
    std::vector<double> sums(words.size(), 0.25);
    loops->exponentials(words.data(), words.size(), gates.data(), sums.data());
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto gate = static_cast<float>(-portable_log(unit_interval(words[i])));
      ASSERT_EQ(gates[i], gate) << words[i];
      ASSERT_EQ(sums[i], 0.25 + static_cast<double>(gate)) << words[i];
    }
    const std::vector<float> before = gates;
    loops->shares(words.size(), sums.data(), gates.data());
    for (std::size_t i = 0; i < words.size(); ++i)
      ASSERT_EQ(gates[i], static_cast<float>(static_cast<double>(before[i]) / sums[i]));
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
