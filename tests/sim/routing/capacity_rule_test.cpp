#include "sim/routing/capacity_rule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"
#include "tests/sim/routing/print_rows.hpp"

namespace hotexpert {
namespace {

using ::testing::HasSubstr;

std::int64_t capacity(std::string_view rule, const CapacityScope& scope, std::string_view factor,
                      bool float_compat = false) {
  return capacity_of(CapacityRule(rule), scope, Decimal::parse(factor), std::nullopt, float_compat)
      .value();
}

TEST(CapacityRuleTest, TheSameFactorIsAnotherCapacityInEachFramework) {
  const CapacityScope scope{.tokens = 16, .num_experts = 64, .top_k = 6};
  EXPECT_EQ(capacity("megatron", scope, "1"), 2);
  EXPECT_EQ(capacity("deepspeed-topk", scope, "1"), 2);
  EXPECT_EQ(capacity("deepspeed-topk:min_capacity=4", scope, "1"), 4);
  EXPECT_EQ(capacity("tutel", scope, "1"), 6);
  EXPECT_EQ(capacity("megablocks", scope, "1"), 1);
  EXPECT_EQ(capacity("fastmoe-gshard", scope, "1"), 1);
}

TEST(CapacityRuleTest, DecimalsAreExactWhereDoublesAreNot) {
  const CapacityScope scope{.tokens = 200, .num_experts = 8, .top_k = 2};
  EXPECT_EQ(capacity("megatron", scope, "1.1"), 55);
  EXPECT_EQ(capacity("megatron", scope, "1.1", true), 56);
  // 0.29 * 100 is 28.999999999999996 in doubles.
  const CapacityScope hundred{.tokens = 100, .num_experts = 1, .top_k = 1};
  EXPECT_EQ(capacity("tutel", hundred, "0.29"), 29);
  EXPECT_EQ(capacity("tutel", hundred, "0.29", true), 28);
}

/// The formulas of the frameworks in whole numbers, factor = units / 100, and how they round.
struct Twin {
  bool ceil;
  std::function<std::int64_t(std::int64_t t, std::int64_t e, std::int64_t k, std::int64_t r)> top;
  std::function<std::int64_t(std::int64_t e, std::int64_t r)> bottom;
  std::function<std::int64_t(std::int64_t share, std::int64_t e, std::int64_t k)> finish;
};

const std::map<std::string_view, Twin>& twins() {
  const auto same = [](std::int64_t share, std::int64_t, std::int64_t) { return share; };
  const auto experts = [](std::int64_t e, std::int64_t) { return e; };
  const auto one = [](std::int64_t, std::int64_t) { return std::int64_t{1}; };
  const auto tokens = [](std::int64_t t, std::int64_t, std::int64_t, std::int64_t) { return t; };
  const auto assignments = [](std::int64_t t, std::int64_t, std::int64_t k, std::int64_t) {
    return t * k;
  };
  static const std::map<std::string_view, Twin> kTwins = {
      {"megatron", {true, assignments, experts, same}},
      {"switch", {false, tokens, experts, same}},
      {"gshard",
       {false, tokens, experts,
        [](std::int64_t share, std::int64_t, std::int64_t) { return share < 4 ? 4 : share; }}},
      {"deepspeed-top1", {true, tokens, experts, same}},
      {"deepspeed-top2",
       {true, [](std::int64_t t, std::int64_t, std::int64_t, std::int64_t) { return 2 * t; },
        experts, same}},
      {"deepspeed-topk", {true, assignments, experts, same}},
      {"tutel",
       {false,
        [](std::int64_t t, std::int64_t e, std::int64_t, std::int64_t) { return (t - 1 + e) / e; },
        one, [](std::int64_t share, std::int64_t, std::int64_t k) { return share * k; }}},
      {"megablocks", {false, assignments, experts, same}},
      {"fastmoe-gshard",
       {true, tokens, one,
        [](std::int64_t share, std::int64_t e, std::int64_t k) { return share * k / e; }}},
      {"fastmoe-switch",
       {true, tokens, [](std::int64_t e, std::int64_t r) { return e / r; }, same}},
      {"device", {true, assignments, [](std::int64_t, std::int64_t r) { return r; }, same}}};
  return kTwins;
}

class EveryCapacityRule : public ::testing::TestWithParam<CapacityRuleRow> {};

/// Counts up to the capacity instead of dividing.
std::int64_t by_counting(const Twin& twin, const CapacityScope& s, std::int64_t hundredths) {
  const std::int64_t product = twin.top(s.tokens, s.num_experts, s.top_k, s.num_ranks) * hundredths;
  const std::int64_t unit = 100 * twin.bottom(s.num_experts, s.num_ranks);
  std::int64_t share = 0;
  while (twin.ceil ? share * unit < product : (share + 1) * unit <= product) ++share;
  return twin.finish(share, s.num_experts, s.top_k);
}

TEST_P(EveryCapacityRule, EqualsItsFormulaInWholeNumbersForRandomScopes) {
  const auto& row = GetParam();
  const Twin& twin = twins().at(row.name);
  RandomStream random({.seed = 5}, 0);
  for (int i = 0; i < 3000; ++i) {
    CapacityScope scope;
    scope.num_ranks = 1 + static_cast<int>(random.below(4));
    scope.num_experts = scope.num_ranks * (1 + static_cast<int>(random.below(16)));
    const int most = row.max_top_k > 0 ? std::min(row.max_top_k, scope.num_experts)
                                       : std::min(8, scope.num_experts);
    scope.top_k = 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(most)));
    scope.tokens = random.below(300);
    const std::int64_t hundredths = 1 + random.below(300);
    const auto got =
        capacity_of(CapacityRule(row.name), scope, Decimal(hundredths, 2), std::nullopt);
    ASSERT_EQ(got, by_counting(twin, scope, hundredths))
        << "T " << scope.tokens << ", E " << scope.num_experts << ", k " << scope.top_k << ", R "
        << scope.num_ranks << ", factor " << hundredths << "/100";
  }
}

TEST_P(EveryCapacityRule, NeverFallsAsTheFactorRises) {
  const CapacityRule rule(GetParam().name);
  for (const bool float_compat : {false, true}) {
    std::int64_t last = 0;
    for (std::int64_t factor = 1; factor < 400; ++factor) {
      const auto here = capacity_of(rule, {.tokens = 37, .num_experts = 6, .top_k = 1},
                                    Decimal(factor, 2), std::nullopt, float_compat);
      ASSERT_GE(*here, last);
      last = *here;
    }
  }
}

TEST_P(EveryCapacityRule, EmptyZeroAndHugeAreDefined) {
  const CapacityRule rule(GetParam().name);
  const CapacityScope one{.tokens = 5, .num_experts = 1, .top_k = 1};
  EXPECT_EQ(capacity_of(rule, one, Decimal::parse("1e15"), 5),
            capacity_of(rule, one, Decimal(kLargestFactor, 0), 5));
  EXPECT_GE(*capacity_of(rule, one, Decimal::parse("1e15"), 5), 5);
  const auto zero = capacity_of(rule, one, Decimal(0, 0), 3);
  const bool follows_load = GetParam().name == "tutel";
  const std::int64_t minimum = GetParam().name == "gshard" ? 4 : 0;
  EXPECT_EQ(zero, follows_load ? 3 : minimum);
  const CapacityScope empty{.tokens = 0, .num_experts = 4, .top_k = 1};
  EXPECT_EQ(capacity_of(rule, empty, Decimal(1, 0), 0), minimum);
}

TEST_P(EveryCapacityRule, NegativeFactorsBelongToTutel) {
  const CapacityRule rule(GetParam().name);
  const CapacityScope scope{.tokens = 64, .num_experts = 4, .top_k = 1};
  if (GetParam().name == "tutel") {
    EXPECT_EQ(capacity_of(rule, scope, Decimal(-1, 0), 100), 16);
    EXPECT_EQ(capacity_of(rule, scope, Decimal(-1, 0), 7), 7);
    EXPECT_EQ(capacity_of(rule, scope, Decimal(-1, 0), std::nullopt), 16);
  } else {
    EXPECT_THROW((void)capacity_of(rule, scope, Decimal(-1, 0), 100), UsageError);
  }
}

INSTANTIATE_TEST_SUITE_P(List, EveryCapacityRule, ::testing::ValuesIn(kCapacityRules),
                         [](const auto& param) {
                           std::string name(param.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(CapacityRuleTest, TutelAlignsAfterTheLoadIsKnown) {
  const CapacityRule rule("tutel:alignment=8");
  const CapacityScope scope{.tokens = 64, .num_experts = 4, .top_k = 1};
  EXPECT_EQ(capacity_of(rule, scope, Decimal(0, 0), 9), 16);
  EXPECT_EQ(capacity_of(rule, scope, Decimal(0, 0), std::nullopt), std::nullopt);
  EXPECT_EQ(capacity_of(rule, scope, Decimal(11, 1), std::nullopt), 24);
}

TEST(CapacityRuleTest, RulesForOneExpertATokenRefuseMore) {
  const auto reason = CapacityRule("switch").unsupported(2);
  ASSERT_TRUE(reason.has_value());
  EXPECT_THAT(*reason, HasSubstr("capacity.rule 'switch' is defined for at most 1 expert a token"));
  EXPECT_FALSE(CapacityRule("switch").unsupported(1).has_value());
  EXPECT_TRUE(CapacityRule("deepspeed-top2").unsupported(3).has_value());
}

TEST(CapacityRuleTest, NamesAndParametersAreChecked) {
  EXPECT_THROW(CapacityRule("megatrom"), UsageError);
  EXPECT_THROW(CapacityRule("tutel:align=8"), UsageError);
  EXPECT_THROW(CapacityRule("tutel:alignment=0"), UsageError);
  EXPECT_EQ(CapacityRule("tutel:alignment=8").to_string(), "tutel:alignment=8");
}

}  // namespace
}  // namespace hotexpert
