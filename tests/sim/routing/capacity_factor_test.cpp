#include "sim/routing/capacity_factor.hpp"

#include <gtest/gtest.h>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

CapacityScope random_scope(RandomStream& random, const CapacityRuleRow& row) {
  CapacityScope scope;
  scope.num_experts = 1 + static_cast<int>(random.below(40));
  const int most =
      row.max_top_k > 0 ? std::min(row.max_top_k, scope.num_experts) : scope.num_experts;
  scope.top_k = 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(most)));
  scope.tokens = 1 + random.below(2000);
  scope.num_ranks = 1 + static_cast<int>(random.below(3));
  return scope;
}

TEST(CapacityFactorTest, GivesTheSmallestCapacityTheRuleCanGive) {
  for (const auto& row : kCapacityRules) {
    const CapacityRule rule(row.name == "tutel" ? "tutel:alignment=3" : row.name);
    RandomStream random({.seed = 11}, 0);
    for (int i = 0; i < 400; ++i) {
      const auto scope = random_scope(random, row);
      const std::int64_t rows = random.below(300);
      const auto found = factor_for_rows(rule, scope, rows);
      ASSERT_EQ(capacity_of(rule, scope, found.factor, 0), found.capacity);
      ASSERT_GE(found.capacity, rows) << row.name;
      // Scan the capacities around it: none in [rows, found.capacity) can be had from any factor.
      const double at = found.factor.to_double();
      for (int step = 1; step < 200; ++step) {
        const double lower = at * (1 - step / 400.0);
        const auto decimal = Decimal(static_cast<std::int64_t>(lower * 1e6), 6);
        if (decimal.sign() <= 0) break;
        const auto capacity = capacity_of(rule, scope, decimal, 0).value();
        ASSERT_TRUE(capacity < rows || capacity >= found.capacity)
            << row.name << " T " << scope.tokens << " E " << scope.num_experts << " k "
            << scope.top_k << " rows " << rows << " factor " << decimal.to_string();
      }
    }
  }
}

TEST(CapacityFactorTest, PrefersTheExactFactor) {
  const CapacityScope scope{.tokens = 512, .num_experts = 128, .top_k = 8};
  EXPECT_EQ(factor_for_rows(CapacityRule("megatron"), scope, 40).factor.to_string(), "1.25");
  EXPECT_EQ(factor_for_rows(CapacityRule("megablocks"), scope, 40).factor.to_string(), "1.25");
  EXPECT_EQ(factor_for_rows(CapacityRule("gshard"), scope, 3).factor.to_string(), "0");
}

TEST(TranslateFactorTest, OneRuleIntoAnother) {
  // Tutel rounds tokens / experts up first and multiplies by k last.
  const CapacityScope scope{.tokens = 1000, .num_experts = 64, .top_k = 2};
  const auto tutel =
      translate_factor(CapacityRule("megatron"), Decimal(125, 2), CapacityRule("tutel"), scope);
  EXPECT_EQ(tutel.factor.to_string(), "1.25");
  EXPECT_EQ(tutel.capacity, 40);
  const auto gshard =
      translate_factor(CapacityRule("megatron"), Decimal(125, 2), CapacityRule("gshard"), scope);
  EXPECT_EQ(gshard.factor.to_string(), "2.56");  // no factor k: twice as much, and 40 of 39.0625
  EXPECT_EQ(describe_translation(CapacityRule("megatron"), Decimal(125, 2), CapacityRule("gshard"),
                                 scope),
            "CF 1.25 in megatron is 2.56 in gshard here (40 rows)");
  EXPECT_EQ(describe_translation(CapacityRule("megatron"), Decimal(1, 0), CapacityRule("tutel"),
                                 {.tokens = 16, .num_experts = 64, .top_k = 6}),
            "CF 1 in megatron is 1 in tutel here (2 rows; tutel gives 6, the nearest above)");
}

TEST(TranslateFactorTest, EveryRuleTranslatesToItself) {
  for (const auto& row : kCapacityRules) {
    const CapacityRule rule(row.name);
    RandomStream random({.seed = 12}, 0);
    for (int i = 0; i < 300; ++i) {
      const auto scope = random_scope(random, row);
      const Decimal factor(1 + random.below(400), 2);
      const auto same = translate_factor(rule, factor, rule, scope);
      ASSERT_EQ(same.capacity, capacity_of(rule, scope, factor, 0)) << row.name;
    }
  }
}

TEST(TranslateFactorTest, RefusesWhatHasNoEquivalent) {
  const CapacityScope scope{.tokens = 100, .num_experts = 4, .top_k = 1, .num_ranks = 2};
  const CapacityRule megatron("megatron");
  EXPECT_THROW(translate_factor(megatron, Decimal(1, 0), CapacityRule("device"), scope),
               UsageError);
  EXPECT_THROW(translate_factor(CapacityRule("tutel"), Decimal(0, 0), megatron, scope), UsageError);
  EXPECT_THROW(factor_for_rows(megatron, {.tokens = 0, .num_experts = 4, .top_k = 1}, 3),
               UsageError);
}

}  // namespace
}  // namespace hotexpert
