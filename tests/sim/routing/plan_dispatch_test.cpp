#include "sim/routing/plan_dispatch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/routing/send_rows.hpp"
#include "tests/sim/routing/random_routing.hpp"

namespace hotexpert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::random_routing;
using testing::RandomRouting;

ExpertPlacement random_placement(int num_experts, int num_ranks, std::uint32_t seed) {
  RandomStream random({.seed = seed}, 1);
  std::vector<LogicalExpert> logical;
  for (int e = 0; e < num_experts; ++e) logical.push_back(static_cast<LogicalExpert>(e));
  const auto extra = random.below(3);
  for (std::uint32_t i = 0; i < extra; ++i) {
    logical.push_back(
        static_cast<LogicalExpert>(random.below(static_cast<std::uint32_t>(num_experts))));
  }
  std::vector<Rank> rank;
  for (std::size_t i = logical.size(); i > 1; --i) {
    std::swap(logical[i - 1], logical[random.below(static_cast<std::uint32_t>(i))]);
  }
  for (std::size_t i = 0; i < logical.size(); ++i) {
    rank.push_back(static_cast<Rank>(random.below(static_cast<std::uint32_t>(num_ranks))));
  }
  return {num_experts, num_ranks, std::move(logical), std::move(rank)};
}

/// The plan written down from its definition: expert by expert, one list each.
struct ListedPlan {
  std::vector<std::vector<std::int32_t>> rows;  // [P] positions
  std::vector<std::int32_t> dropped;
  std::vector<std::int64_t> sent;  // [R * R]
};

ListedPlan list_plan(const RoutingBatch& batch, const ExpertPlacement& placement,
                     std::int64_t capacity, std::int64_t group) {
  ListedPlan plan;
  const auto ranks = static_cast<std::size_t>(placement.num_ranks());
  plan.rows.resize(static_cast<std::size_t>(placement.num_physical()));
  plan.sent.resize(ranks * ranks);
  for (int e = 0; e < batch.num_experts; ++e) {
    std::int64_t seen = 0;
    std::int64_t kept = 0;
    std::int64_t current_group = -1;
    for (std::int64_t i = 0; i < batch.assignments(); ++i) {
      if (batch.topk_ids[static_cast<std::size_t>(i)] != e) continue;
      if (const auto g = i / batch.slots / group; g != current_group) {
        current_group = g;
        seen = 0;
      }
      if (seen++ >= capacity) {
        plan.dropped.push_back(static_cast<std::int32_t>(i));
        continue;
      }
      std::vector<std::size_t> copies;
      for (std::size_t p = 0; p < plan.rows.size(); ++p) {
        if (index(placement.physical_to_logical()[p]) == e) copies.push_back(p);
      }
      const auto p = copies[static_cast<std::size_t>(kept++) % copies.size()];
      plan.rows[p].push_back(static_cast<std::int32_t>(i));
      const auto from = source_rank(batch, placement.num_ranks(), i / batch.slots);
      const auto to = index(placement.physical_to_rank()[p]);
      ++plan.sent[static_cast<std::size_t>(from) * ranks + static_cast<std::size_t>(to)];
    }
  }
  std::sort(plan.dropped.begin(), plan.dropped.end());
  return plan;
}

void expect_equal(const DispatchPlan& plan, const ListedPlan& listed, const RoutingBatch& batch) {
  check_invariants(plan);
  EXPECT_EQ(plan.dropped, listed.dropped);
  ASSERT_EQ(static_cast<std::size_t>(plan.num_physical), listed.rows.size());
  std::size_t row = 0;
  for (std::size_t p = 0; p < listed.rows.size(); ++p) {
    ASSERT_EQ(plan.rows(static_cast<int>(p)), static_cast<std::int64_t>(listed.rows[p].size()));
    for (const auto position : listed.rows[p]) {
      ASSERT_EQ(plan.source_slot[row], position);
      ASSERT_EQ(plan.source_token[row], position / batch.slots);
      if (!batch.topk_weights.empty()) {
        ASSERT_EQ(plan.gate_weight[row], batch.topk_weights[static_cast<std::size_t>(position)]);
      }
      ++row;
    }
  }
  if (plan.num_ranks > 1) {
    EXPECT_EQ(plan.send_rows, listed.sent);
  } else {
    EXPECT_TRUE(plan.send_rows.empty());
  }
}

TEST(PlanDispatchTest, EqualsTheDefinitionOnThousandsOfRandomBatches) {
  DispatchPlan plan;  // reused: what an earlier batch left must not show
  for (std::uint32_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE(seed);
    const int ranks = 1 + static_cast<int>(seed % 3);
    RandomRouting routing = random_routing(seed, {.num_ranks = ranks});
    if (seed % 2 == 0) routing.source_rank.clear();
    if (seed % 5 == 0) routing.weights.clear();
    const auto batch = routing.batch();
    const auto placement = random_placement(routing.num_experts, ranks, seed);
    CapacityPolicy policy;
    std::int64_t capacity = routing.tokens;
    if (seed % 4 != 0) {
      // tokens * slots / experts * factor with a factor that makes it whole
      capacity = seed % 7;
      policy.rule = "gshard:min_capacity=" + std::to_string(capacity);
      policy.factor = Decimal{0, 0};
      policy.group = seed % 3 == 0 ? 5 : 0;
    }
    const auto group = policy.group > 0 ? policy.group : std::max<std::int64_t>(1, batch.tokens);
    DispatchPlanner(policy).plan(batch, placement, plan);
    expect_equal(plan, list_plan(batch, placement, capacity, group), batch);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

TEST(PlanDispatchTest, ReplicasTakeTurnsInTokenOrder) {
  RandomRouting routing{.num_experts = 2, .slots = 1, .tokens = 5, .ids = {0, 1, 0, 0, 0}};
  const ExpertPlacement placement(2, 1, {LogicalExpert{0}, LogicalExpert{1}, LogicalExpert{0}},
                                  {Rank{0}, Rank{0}, Rank{0}});
  const auto plan = plan_dispatch(routing.batch(), placement, {});
  EXPECT_THAT(plan.expert_offsets, ElementsAre(0, 2, 3, 5));
  EXPECT_THAT(plan.source_token, ElementsAre(0, 3, 1, 2, 4));
}

TEST(PlanDispatchTest, GroupsHaveTheirOwnCapacityAndTheLastMayBeSmaller) {
  RandomRouting routing{.num_experts = 2, .slots = 1, .tokens = 7, .ids = {0, 0, 0, 0, 0, 0, 0}};
  const auto plan = plan_dispatch(routing.batch(), ExpertPlacement::contiguous(2),
                                  {.factor = Decimal{1, 0}, .rule = "megatron", .group = 4});
  // ceil(4 / 2) = 2 of the first four, ceil(3 / 2) = 2 of the last three
  EXPECT_THAT(plan.source_token, ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(plan.dropped, ElementsAre(2, 3, 6));
  EXPECT_THAT(plan.capacity, ElementsAre(4, 4));
}

TEST(PlanDispatchTest, MegablocksPoolsTheGroups) {
  RandomRouting routing{.num_experts = 2, .slots = 1, .tokens = 8, .ids = {0, 0, 0, 0, 1, 1, 1, 1}};
  const auto plan = plan_dispatch(routing.batch(), ExpertPlacement::contiguous(2),
                                  {.factor = Decimal{1, 0}, .rule = "megablocks", .group = 4});
  EXPECT_TRUE(plan.dropped.empty());
}

TEST(PlanDispatchTest, ProbsKeepsTheHighestWeightsAndBreaksTiesByPosition) {
  RandomRouting routing{.num_experts = 1,
                        .slots = 1,
                        .tokens = 5,
                        .ids = {0, 0, 0, 0, 0},
                        .weights = {0.1F, 0.3F, 0.2F, 0.3F, 0.2F}};
  const auto plan =
      plan_dispatch(routing.batch(), ExpertPlacement::contiguous(1),
                    {.factor = Decimal{6, 1}, .rule = "megatron", .drop_policy = "probs"});
  EXPECT_THAT(plan.source_token, ElementsAre(1, 2, 3));
  EXPECT_THAT(plan.gate_weight, ElementsAre(0.3F, 0.2F, 0.3F));
  EXPECT_THAT(plan.dropped, ElementsAre(0, 4));
}

TEST(PlanDispatchTest, ProbsWithoutWeightsIsRefusedWithTheReason) {
  RandomRouting routing{.num_experts = 1, .slots = 1, .tokens = 1, .ids = {0}};
  const DispatchPlanner planner({.factor = Decimal{1, 0}, .drop_policy = "probs"});
  const auto reason =
      planner.unsupported(fields_of(routing.batch()), 1, ExpertPlacement::contiguous(1));
  ASSERT_TRUE(reason.has_value());
  EXPECT_THAT(*reason, HasSubstr("capacity.policy 'probs' needs gate weights"));
  EXPECT_THROW(plan_dispatch(routing.batch(), ExpertPlacement::contiguous(1),
                             {.factor = Decimal{1, 0}, .drop_policy = "probs"}),
               UsageError);
}

TEST(PlanDispatchTest, EmptyBatchesAndZeroCapacityAreDefined) {
  RandomRouting empty{.num_experts = 3, .slots = 2, .tokens = 0};
  for (const auto& factor : {std::optional<Decimal>{}, std::optional{Decimal{1, 0}}}) {
    const auto plan = plan_dispatch(empty.batch(), ExpertPlacement::contiguous(3, 2),
                                    {.factor = factor, .rule = "megatron"});
    check_invariants(plan);
    EXPECT_EQ(plan.rows(), 0);
  }
  RandomRouting one{.num_experts = 1, .slots = 1, .tokens = 4, .ids = {0, 0, 0, 0}};
  const auto none = plan_dispatch(one.batch(), ExpertPlacement::contiguous(1),
                                  {.factor = Decimal{0, 0}, .rule = "megatron"});
  check_invariants(none);
  EXPECT_EQ(none.dropped.size(), 4U);
  const auto huge = plan_dispatch(one.batch(), ExpertPlacement::contiguous(1),
                                  {.factor = Decimal::parse("1e15"), .rule = "megatron"});
  check_invariants(huge);
  EXPECT_EQ(huge.rows(), 4);
}

TEST(PlanDispatchTest, BadChoicesEndInOneSentence) {
  EXPECT_THROW(DispatchPlanner({.rule = "megatrom"}), UsageError);
  EXPECT_THROW(DispatchPlanner({.drop_policy = "prob"}), UsageError);
  EXPECT_THROW(DispatchPlanner({.group = -1}), UsageError);
  RandomRouting two{.num_experts = 2, .slots = 2, .tokens = 1, .ids = {0, 1}};
  EXPECT_THROW(plan_dispatch(two.batch(), ExpertPlacement::contiguous(3), {}), UsageError);
  EXPECT_THROW(plan_dispatch(two.batch(), ExpertPlacement::contiguous(2),
                             {.factor = Decimal{1, 0}, .rule = "switch"}),
               UsageError);
  EXPECT_THROW(plan_dispatch(two.batch(), ExpertPlacement::contiguous(2),
                             {.factor = Decimal{-1, 0}, .rule = "megatron"}),
               UsageError);
  two.source_rank = {5};
  EXPECT_THROW(plan_dispatch(two.batch(), ExpertPlacement::contiguous(2, 2), {}), InputError);
}

TEST(SendRowsTest, BlocksCoverEveryTokenOnce) {
  for (std::int64_t tokens = 1; tokens < 40; ++tokens) {
    for (int ranks = 1; ranks < 9; ++ranks) {
      RandomRouting routing{.tokens = tokens};
      for (std::int64_t token = 0; token < tokens; ++token) {
        const int rank = source_rank(routing.batch(), ranks, token);
        EXPECT_LE(first_token_of_rank(tokens, ranks, rank), token);
        EXPECT_LT(token, first_token_of_rank(tokens, ranks, rank + 1));
      }
    }
  }
}

}  // namespace
}  // namespace hotexpert
