#include "sim/routing/expected_drops.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "sim/metrics/binomial.hpp"
#include "sim/routing/drops_table.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

using ::testing::HasSubstr;

TEST(ExpectedDropsTest, IsTheFloorForUniformRouting) {
  const auto rows = expected_drops({.factors = {Decimal(1, 0), Decimal(125, 2)}},
                                   {.tokens = 4096, .num_experts = 64, .top_k = 2});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].capacity, 128);
  EXPECT_EQ(rows[1].capacity, 160);
  EXPECT_EQ(rows[0].provenance, Provenance::kExpected);
  EXPECT_EQ(rows[0].assignment_fraction, expected_drop_fraction(4096, 64, 2, 128));
  EXPECT_EQ(rows[1].floor_fraction, rows[1].assignment_fraction);
  EXPECT_EQ(rows[0].above_floor_fraction, 0.0);
  // sqrt(variance / (2 pi)) / mean is the first term of the expansion at the mean.
  EXPECT_NEAR(*rows[0].assignment_fraction, std::sqrt(128 * (62.0 / 64) / (2 * 3.14159265)) / 128,
              1e-4);
}

/// Mean over sampled steps, and its standard error, against the closed form. Where the sample saw
/// no drop at all its error is no guide: 1e-6 is what it may have missed.
void expect_sampled_agrees(const SyntheticSpec& spec, std::span<const double> popularity,
                           const std::vector<std::string>& rules, std::int64_t group) {
  const DropsQuery query{
      .factors = {Decimal(8, 1), Decimal(1, 0), Decimal(15, 1)}, .rules = rules, .group = group};
  DropsTable table(query, ExpertPlacement::contiguous(spec.num_experts));
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < spec.steps; ++step) table.add(trace->read(step, 0, buffer));
  const auto sampled = table.rows();
  const auto expected = expected_drops(query, {.tokens = spec.tokens,
                                               .num_experts = spec.num_experts,
                                               .top_k = spec.top_k,
                                               .popularity = popularity});
  ASSERT_EQ(sampled.size(), expected.size());
  for (std::size_t i = 0; i < sampled.size(); ++i) {
    SCOPED_TRACE(expected[i].rule + " at " + expected[i].factor.to_string());
    EXPECT_EQ(sampled[i].capacity, expected[i].capacity);
    EXPECT_NEAR(*sampled[i].assignment_fraction, *expected[i].assignment_fraction,
                5 * *sampled[i].standard_error + 1e-6);
    EXPECT_NEAR(*sampled[i].floor_fraction, *expected[i].floor_fraction, 1e-15);
    EXPECT_NEAR(*sampled[i].padding_fraction, *expected[i].padding_fraction,
                10 * *sampled[i].standard_error + 1e-6);
  }
}

TEST(ExpectedDropsTest, SampledUniformRoutingAgreesWithinFiveStandardErrors) {
  const std::vector<std::string> rules = {"megatron",   "gshard",         "tutel",
                                          "megablocks", "deepspeed-topk", "fastmoe-gshard"};
  expect_sampled_agrees({.num_experts = 64, .top_k = 2, .tokens = 512, .steps = 300, .seed = 4}, {},
                        rules, 0);
  expect_sampled_agrees({.num_experts = 16, .top_k = 4, .tokens = 500, .steps = 300, .seed = 5}, {},
                        rules, 128);
}

TEST(ExpectedDropsTest, SampledZipfRoutingAgreesWithinFiveStandardErrors) {
  std::vector<double> popularity;
  for (int rank = 1; rank <= 32; ++rank) popularity.push_back(1.0 / rank);
  expect_sampled_agrees({.num_experts = 32,
                         .top_k = 4,
                         .tokens = 512,
                         .steps = 300,
                         .model = "zipf:exponent=1",
                         .seed = 6},
                        popularity, {"megatron"}, 0);
}

TEST(ExpectedDropsTest, ASmallerLastGroupHasItsOwnCapacity) {
  const auto rows = expected_drops({.factors = {Decimal(1, 0)}, .group = 400},
                                   {.tokens = 1000, .num_experts = 8, .top_k = 2});
  const double expected =
      (800 * expected_drop_fraction(400, 8, 2, 100) + 200 * expected_drop_fraction(200, 8, 2, 50)) /
      1000;
  EXPECT_NEAR(*rows[0].assignment_fraction, expected, 1e-15);
  EXPECT_EQ(rows[0].capacity, 100);
}

TEST(ExpectedDropsTest, RulesThatFollowTheLoadDropNothingAtZero) {
  const auto rows = expected_drops({.factors = {Decimal(0, 0), Decimal(-1, 0)}, .rules = {"tutel"}},
                                   {.tokens = 64, .num_experts = 4, .top_k = 2});
  EXPECT_EQ(rows[0].assignment_fraction, 0.0);
  EXPECT_FALSE(rows[0].capacity.has_value());
  EXPECT_EQ(rows[1].capacity, 32);
  EXPECT_EQ(rows[1].assignment_fraction, expected_drop_fraction(64, 4, 2, 32));
}

TEST(ExpectedDropsTest, SaysWhatHasNoClosedForm) {
  const auto rows = expected_drops({.factors = {Decimal(1, 0)}, .rules = {"device", "switch"}},
                                   {.tokens = 64, .num_experts = 4, .top_k = 2});
  EXPECT_THAT(rows[0].unsupported, HasSubstr("has no closed form"));
  EXPECT_THAT(rows[1].unsupported, HasSubstr("at most 1 expert"));
  EXPECT_FALSE(rows[0].assignment_fraction.has_value());
}

TEST(ExpectedDropsTest, EdgesAreDefined) {
  for (const int top_k : {1, 4}) {
    const auto rows =
        expected_drops({.factors = {Decimal(0, 0), Decimal(1, 0), Decimal::parse("1e15")}},
                       {.tokens = top_k == 1 ? 0 : 10, .num_experts = 4, .top_k = top_k});
    for (const auto& row : rows) {
      EXPECT_GE(*row.assignment_fraction, 0.0);
      EXPECT_LE(*row.assignment_fraction, 1.0);
    }
    EXPECT_EQ(rows[2].assignment_fraction, 0.0);
  }
}

}  // namespace
}  // namespace hotexpert
