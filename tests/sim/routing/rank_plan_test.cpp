#include "sim/routing/rank_plan.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sim/routing/plan_dispatch.hpp"
#include "sim/routing/send_rows.hpp"
#include "tests/sim/routing/random_routing.hpp"

namespace hotexpert {
namespace {

/// Two ranks of two slots; expert 0 has a copy on each.
ExpertPlacement replicated() {
  return {3,
          2,
          {LogicalExpert{0}, LogicalExpert{1}, LogicalExpert{2}, LogicalExpert{0}},
          {Rank{0}, Rank{0}, Rank{1}, Rank{1}}};
}

RoutingBatch small_batch(const std::vector<StoredExpert>& ids) {
  RoutingBatch batch;
  batch.tokens = static_cast<std::int64_t>(ids.size()) / 2;
  batch.slots = 2;
  batch.num_experts = 3;
  batch.topk_ids = ids;
  return batch;
}

TEST(RankPlanTest, HoldsTheRowsOfTheRanksExpertsWithTokensNumberedAnew) {
  const std::vector<StoredExpert> ids = {1, 2, 0, 2, 2, 1, 0, 1};
  const auto plan = plan_dispatch(small_batch(ids), replicated(), {});
  const auto second = rank_plan(plan, 1);  // experts 2 (tokens 0, 1, 2) and a copy of 0 (token 3)
  check_invariants(second);
  EXPECT_EQ(second.num_physical, 2);
  EXPECT_EQ(second.expert_offsets, (std::vector<std::int64_t>{0, 3, 4}));
  EXPECT_EQ(second.source_token, (std::vector<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(second.source_slot, (std::vector<std::int32_t>{1, 3, 4, 6}));
  EXPECT_EQ(second.tokens, 4);
  EXPECT_EQ(second.absent, 4);
  const auto first = rank_plan(plan, 0);  // the other copy of 0 (token 1), expert 1 (0, 2, 3)
  EXPECT_EQ(first.expert_offsets, (std::vector<std::int64_t>{0, 1, 4}));
  EXPECT_EQ(first.source_token, (std::vector<std::int32_t>{1, 0, 2, 3}));
}

TEST(RankPlanTest, RanksTogetherHoldEveryRowOfThePlanOnce) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto routing = testing::random_routing(static_cast<std::uint32_t>(seed));
    const RoutingBatch batch = routing.batch();
    const int ranks = 1 + static_cast<int>(seed) % batch.num_experts;
    const auto placement = ExpertPlacement::contiguous(batch.num_experts, ranks);
    const auto plan = plan_dispatch(batch, placement, {});
    std::int64_t rows = 0;
    int experts = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const auto local = rank_plan(plan, rank);
      check_invariants(local);
      for (int p = 0; p < local.num_physical; ++p)
        EXPECT_EQ(local.rows(p), plan.rows(experts + p)) << "seed " << seed;
      rows += local.rows();
      experts += local.num_physical;
    }
    EXPECT_EQ(rows, plan.rows()) << "seed " << seed;
  }
}

TEST(RankPlanTest, DensePlanGivesEveryTokenEveryExpert) {
  const auto plan = dense_plan(3, 2);
  check_invariants(plan);
  EXPECT_EQ(plan.rows(), 6);
  EXPECT_EQ(plan.rows(1), 3);
  check_invariants(dense_plan(0, 1));
}

TEST(RankPlanTest, OwnedTokensAreTheBlocksOrAsRecorded) {
  const std::vector<StoredExpert> ids = {1, 2, 0, 2, 2, 1, 0, 1, 1, 0};
  RoutingBatch batch = small_batch(ids);
  const auto blocks = owned_tokens(batch, 2);
  EXPECT_EQ(blocks, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(blocks[0], first_token_of_rank(5, 2, 1));
  const std::vector<std::int32_t> recorded = {1, 1, 1, 0, 1};
  batch.source_rank = recorded;
  EXPECT_EQ(owned_tokens(batch, 2), (std::vector<std::int64_t>{1, 4}));
}

}  // namespace
}  // namespace hotexpert
