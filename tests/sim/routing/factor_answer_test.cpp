#include "sim/routing/factor_answer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

/// Share of the steps that drop at most `tolerance` of their assignments at `capacity`.
double share_within(const std::vector<std::vector<std::int64_t>>& steps, std::int64_t capacity,
                    double tolerance) {
  int within = 0;
  for (const auto& loads : steps) {
    std::int64_t dropped = 0;
    std::int64_t total = 0;
    for (const auto load : loads) {
      dropped += std::max<std::int64_t>(0, load - capacity);
      total += load;
    }
    within += static_cast<double>(dropped) <= tolerance * static_cast<double>(total) + 1e-9 ? 1 : 0;
  }
  return static_cast<double>(within) / static_cast<double>(steps.size());
}

TEST(FactorAnswerTest, IsTheSmallestCapacityThatKeepsThePromise) {
  const CapacityScope scope{.tokens = 200, .num_experts = 10, .top_k = 2};
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    RandomStream random({.seed = seed}, 0);
    std::vector<std::vector<std::int64_t>> steps;
    SpectrumSummary summary({}, {Decimal(0, 0), Decimal(1, 2), Decimal(1, 1)});
    DropSpectrum spectrum;
    for (int step = 0; step < 40; ++step) {
      std::vector<std::int64_t> loads(10, 0);
      for (int i = 0; i < 400; ++i) ++loads[random.below(random.below(3) == 0 ? 3 : 10)];
      spectrum.assign(loads);
      summary.add(spectrum);
      steps.push_back(std::move(loads));
    }
    for (std::size_t t = 0; t < 3; ++t) {
      for (const auto& share : {Decimal(1, 0), Decimal(9, 1), Decimal(5, 1)}) {
        const auto answer = answer_factor(summary, t, share, CapacityRule("megatron"), scope);
        const double tolerance = answer.tolerance.to_double();
        const double wanted = share.to_double() - 1e-9;
        ASSERT_GE(share_within(steps, answer.needed_capacity, tolerance), wanted);
        ASSERT_LT(share_within(steps, answer.needed_capacity - 1, tolerance), wanted);
        ASSERT_EQ(answer.setting.capacity, answer.needed_capacity);
        ASSERT_EQ(answer.padded_rows, 10.0 * static_cast<double>(answer.setting.capacity));
        ASSERT_NEAR(answer.padding_fraction,
                    1 - 400 * (1 - answer.pooled_fraction) / answer.padded_rows, 1e-12);
      }
    }
  }
}

TEST(FactorAnswerTest, RefusesRulesByRank) {
  SpectrumSummary summary({}, {Decimal(0, 0)});
  EXPECT_THROW(answer_factor(summary, 0, Decimal(1, 0), CapacityRule("device"), {}), UsageError);
}

}  // namespace
}  // namespace hotexpert
