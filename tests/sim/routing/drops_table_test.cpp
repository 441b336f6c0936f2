#include "sim/routing/drops_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sim/metrics/binomial.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "tests/sim/routing/random_routing.hpp"

namespace hotexpert {
namespace {

using ::testing::HasSubstr;
using testing::RandomRouting;

std::vector<std::string> all_rules() {
  std::vector<std::string> rules;
  for (const auto& row : kCapacityRules) rules.emplace_back(row.name);
  return rules;
}

/// Batches of one shape, so that every rule sees the same E and k.
std::vector<RandomRouting> batches_of_one_shape(int experts, int slots, int count) {
  std::vector<RandomRouting> batches;
  for (std::uint32_t seed = 0; static_cast<int>(batches.size()) < count; ++seed) {
    auto routing = testing::random_routing(seed, {.max_experts = 6, .num_ranks = 2});
    if (routing.num_experts == experts && routing.slots == slots) {
      batches.push_back(std::move(routing));
    }
  }
  return batches;
}

TEST(DropsTableTest, CountsWhatPlansDropUnderEveryRule) {
  const auto placement = ExpertPlacement::contiguous(4, 2);
  for (const int slots : {1, 2}) {
    for (const std::int64_t group : {0, 7}) {
      const DropsQuery query{.factors = {Decimal(5, 1), Decimal(1, 0), Decimal(15, 1)},
                             .rules = all_rules(),
                             .group = group};
      DropsTable table(query, placement);
      const auto batches = batches_of_one_shape(4, slots, 12);
      for (const auto& routing : batches) table.add(routing.batch());
      const auto rows = table.rows();
      ASSERT_EQ(rows.size(), query.rules.size() * 3);
      for (const auto& row : rows) {
        SCOPED_TRACE(row.rule + " at " + row.factor.to_string());
        const bool supported = !CapacityRule(row.rule).unsupported(slots).has_value();
        ASSERT_EQ(row.unsupported.empty(), supported);
        if (!supported) {
          EXPECT_FALSE(row.assignment_fraction.has_value());
          continue;
        }
        std::vector<double> fractions;
        std::int64_t kept = 0;
        std::int64_t room = 0;
        for (const auto& routing : batches) {
          const auto plan = plan_dispatch(routing.batch(), placement,
                                          {.factor = row.factor, .rule = row.rule, .group = group});
          const auto dropped = static_cast<double>(plan.dropped.size());
          const auto all = dropped + static_cast<double>(plan.rows());
          fractions.push_back(all > 0 ? dropped / all : 0.0);
          kept += plan.rows();
          for (const auto capacity : plan.capacity) room += capacity;
        }
        EXPECT_NEAR(*row.assignment_fraction, mean(fractions), 1e-15);
        EXPECT_EQ(*row.percentiles, percentiles(fractions));
        EXPECT_EQ(row.points, 12);
        if (row.rule == "device") {
          EXPECT_FALSE(row.floor_fraction.has_value());
          EXPECT_FALSE(row.padding_fraction.has_value());
        } else if (room > 0) {
          EXPECT_NEAR(*row.padding_fraction,
                      1 - static_cast<double>(kept) / static_cast<double>(room), 1e-15);
        }
      }
    }
  }
}

TEST(DropsTableTest, PoliciesDropEquallyManyAndSayWhich) {
  DropsTable table(
      {.factors = {Decimal(7, 1)},
       .policies = {"position", "slot-major", "probs", "random", "sequence-protected", "reroute"}},
      ExpertPlacement::contiguous(4, 2));
  const auto batches = batches_of_one_shape(4, 2, 20);
  for (const auto& routing : batches) table.add(routing.batch());
  const auto rows = table.rows();
  ASSERT_EQ(rows.size(), 6U);
  const auto lost = [&](std::size_t i) { return rows[i].statistics->gate_mass_fraction().value(); };
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(rows[i].assignment_fraction, rows[0].assignment_fraction) << rows[i].policy;
    EXPECT_EQ(rows[i].statistics->all, rows[0].statistics->all) << rows[i].policy;
  }
  EXPECT_LT(lost(2), lost(0));  // probs loses the least gate mass
  EXPECT_LT(lost(2), lost(3));
  EXPECT_LT(rows[5].statistics->all.dropped, rows[0].statistics->all.dropped);
}

TEST(DropsTableTest, LayersMergeIntoTheWhole) {
  const DropsQuery query{.factors = {Decimal(1, 0)}, .policies = {"probs"}};
  const auto placement = ExpertPlacement::contiguous(4);
  DropsTable whole(query, placement);
  DropsTable first(query, placement);
  DropsTable second(query, placement);
  const auto batches = batches_of_one_shape(4, 2, 20);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    auto batch = batches[i].batch();
    batch.layer = static_cast<int>(i % 2);
    whole.add(batch);
    (i % 2 == 0 ? first : second).add(batch);
  }
  first.merge(second);
  EXPECT_EQ(first.layers(), (std::vector<int>{0, 1}));
  EXPECT_EQ(first.rows()[0].assignment_fraction, whole.rows()[0].assignment_fraction);
  EXPECT_EQ(first.rows()[0].standard_error, whole.rows()[0].standard_error);
  EXPECT_EQ(first.rows()[0].statistics->gate_mass_lost, whole.rows()[0].statistics->gate_mass_lost);
  EXPECT_EQ(first.rows_of_layer(1)[0].points, 10);
}

TEST(DropsTableTest, WhatTheTraceLacksIsARowWithTheReason) {
  RandomRouting routing{.num_experts = 2, .slots = 1, .tokens = 2, .ids = {0, 1}};
  DropsTable table({.factors = {Decimal(1, 0)}, .policies = {"position", "probs"}},
                   ExpertPlacement::contiguous(2));
  table.add(routing.batch());
  EXPECT_TRUE(table.rows()[0].unsupported.empty());
  EXPECT_THAT(table.rows()[1].unsupported, HasSubstr("needs gate weights"));
  EXPECT_FALSE(table.rows()[1].assignment_fraction.has_value());
}

TEST(DropsTableTest, EveryEdgeIsANumber) {
  const std::vector<RandomRouting> edges = {
      {.num_experts = 1, .slots = 1, .tokens = 0},
      {.num_experts = 1, .slots = 1, .tokens = 3, .ids = {0, 0, 0}},
      {.num_experts = 2, .slots = 2, .tokens = 2, .ids = {0, 1, 1, 0}},
      {.num_experts = 2, .slots = 1, .tokens = 2, .ids = {kAbsent, kAbsent}}};
  for (const auto& routing : edges) {
    DropsTable table(
        {.factors = {Decimal(0, 0), Decimal(1, 0), Decimal::parse("1e15")}, .rules = all_rules()},
        ExpertPlacement::contiguous(routing.num_experts));
    table.add(routing.batch());
    for (const auto& row : table.rows()) {
      if (!row.unsupported.empty()) continue;
      EXPECT_GE(*row.assignment_fraction, 0.0);
      EXPECT_LE(*row.assignment_fraction, 1.0);
      EXPECT_GE(row.floor_fraction.value_or(0), 0.0);
      EXPECT_LE(row.padding_fraction.value_or(0), 1.0);
      if (row.factor.sign() > 0 && row.rule != "gshard" && routing.tokens > 0 &&
          row.factor > Decimal(2, 0)) {
        EXPECT_EQ(*row.assignment_fraction, 0.0) << row.rule;
      }
    }
  }
}

TEST(DropsTableTest, OnTheGptOssTracePositionAndProbsDropEquallyManyButNotEquallyMuch) {
  const std::string folder = HOTEXPERT_SOURCE_DIR "/../shared/traces/gpt-oss-20b/";
  if (!std::filesystem::exists(folder + "topk_ids_u8.npy")) {
    GTEST_SKIP() << "the gpt-oss trace is not at " << folder;
  }
  const auto trace = open_recorded_trace({.file = folder + "topk_ids_u8.npy",
                                          .weights_file = folder + "topk_weights_f16.npy",
                                          .num_experts = 32,
                                          .tokens_per_step = 1024});
  DropsTable table({.factors = {Decimal(1, 0), Decimal(15, 1)}, .policies = {"position", "probs"}},
                   ExpertPlacement::contiguous(32));
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < trace->info().steps; step += 8) {
    for (int layer = 0; layer < trace->info().layers; layer += 4) {
      table.add(trace->read(step, layer, buffer));
    }
  }
  const auto rows = table.rows();
  for (std::size_t factor = 0; factor < 2; ++factor) {
    const auto& position = rows[factor];
    const auto& probs = rows[2 + factor];
    EXPECT_EQ(position.assignment_fraction, probs.assignment_fraction);
    EXPECT_LT(*probs.statistics->gate_mass_fraction(),
              0.9 * *position.statistics->gate_mass_fraction());
    EXPECT_GT(*position.above_floor_fraction, 0.0);
  }
  EXPECT_EQ(rows[0].capacity, 128);
  EXPECT_EQ(rows[0].floor_fraction, expected_drop_fraction(1024, 32, 4, 128));
}

}  // namespace
}  // namespace hotexpert
