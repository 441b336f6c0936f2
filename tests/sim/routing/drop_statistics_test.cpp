#include "sim/routing/drop_statistics.hpp"

#include <gtest/gtest.h>

#include "sim/routing/plan_dispatch.hpp"
#include "tests/sim/routing/random_routing.hpp"

namespace hotexpert {
namespace {

using testing::RandomRouting;

/// Ten tokens of two slots, two requests of five tokens in turn, expert 0 taken by every token.
RandomRouting ten_tokens() {
  RandomRouting routing{.num_experts = 3, .slots = 2, .tokens = 10};
  for (int token = 0; token < 10; ++token) {
    routing.ids.push_back(0);
    routing.ids.push_back(token == 9 ? kAbsent : StoredExpert{1});
    routing.weights.push_back(0.75F);
    routing.weights.push_back(0.25F);
    routing.request_id.push_back(token % 2);
  }
  return routing;
}

TEST(DropStatisticsTest, CountsAHandMadeBatch) {
  const auto routing = ten_tokens();
  const auto batch = routing.batch();
  // Capacity 4: the first four tokens stay, six assignments of expert 0 and five of expert 1 go.
  const auto plan = plan_dispatch(batch, ExpertPlacement::contiguous(3, 2),
                                  {.factor = Decimal{0, 0}, .rule = "megatron:min_capacity=4"});
  const auto drops = count_drops(batch, plan);
  EXPECT_EQ(drops.all, (DropCount{19, 11}));
  EXPECT_EQ(drops.all.fraction(), 11.0 / 19.0);
  EXPECT_EQ(drops.tokens, 10);
  EXPECT_EQ(drops.tokens_lost, 6);
  EXPECT_EQ(drops.token_lost_fraction(), 0.6);
  EXPECT_EQ(drops.gate_mass_fraction(), (6 * 0.75 + 5 * 0.25) / 9.75);
  EXPECT_EQ(drops.by_batch_decile[3], (DropCount{2, 0}));
  EXPECT_EQ(drops.by_batch_decile[4], (DropCount{2, 2}));
  EXPECT_EQ(drops.by_batch_decile[9], (DropCount{1, 1}));
  // Tokens 0 and 1 open their requests; 8 and 9 close them.
  EXPECT_EQ(drops.by_sequence_decile[0], (DropCount{4, 0}));
  EXPECT_EQ(drops.by_sequence_decile[8], (DropCount{3, 3}));
  EXPECT_EQ(drops.by_source_rank, (std::vector<DropCount>{{10, 2}, {9, 9}}));
}

TEST(DropStatisticsTest, NothingIsNeverNotANumber) {
  const RandomRouting empty{.num_experts = 2, .slots = 1, .tokens = 0};
  const auto plan = plan_dispatch(empty.batch(), ExpertPlacement::contiguous(2), {});
  const auto drops = count_drops(empty.batch(), plan);
  EXPECT_EQ(drops.all.fraction(), 0.0);
  EXPECT_EQ(drops.token_lost_fraction(), 0.0);
  EXPECT_FALSE(drops.gate_mass_fraction().has_value());

  const RandomRouting weightless{
      .num_experts = 1, .slots = 1, .tokens = 1, .ids = {0}, .weights = {0.0F}};
  const auto kept = plan_dispatch(weightless.batch(), ExpertPlacement::contiguous(1), {});
  EXPECT_EQ(count_drops(weightless.batch(), kept).gate_mass_fraction(), 0.0);
}

TEST(DropStatisticsTest, OneRankOwnsEveryTokenWhateverWasRecorded) {
  const RandomRouting routing{
      .num_experts = 2, .slots = 1, .tokens = 3, .ids = {0, 1, 1}, .source_rank = {0, 7, 3}};
  const auto plan = plan_dispatch(routing.batch(), ExpertPlacement::contiguous(2), {});
  EXPECT_EQ(count_drops(routing.batch(), plan).by_source_rank, (std::vector<DropCount>{{3, 0}}));
}

TEST(DropStatisticsTest, EveryBreakdownAddsUpToTheWhole) {
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    const auto routing = testing::random_routing(seed, {.num_ranks = 3});
    const auto batch = routing.batch();
    if (batch.num_experts < 3) continue;
    const auto plan = plan_dispatch(batch, ExpertPlacement::contiguous(batch.num_experts, 3),
                                    {.factor = Decimal{8, 1}, .drop_policy = "probs"});
    const auto drops = count_drops(batch, plan);
    EXPECT_EQ(drops.all.dropped, static_cast<std::int64_t>(plan.dropped.size()));
    EXPECT_EQ(drops.all.assignments, batch.assignments() - plan.absent - plan.invalid);
    DropCount batch_deciles;
    DropCount sequence_deciles;
    DropCount ranks;
    for (const auto& count : drops.by_batch_decile) batch_deciles += count;
    for (const auto& count : drops.by_sequence_decile) sequence_deciles += count;
    for (const auto& count : drops.by_source_rank) ranks += count;
    EXPECT_EQ(batch_deciles, drops.all);
    EXPECT_EQ(sequence_deciles, drops.all);
    EXPECT_EQ(ranks, drops.all);
    auto twice = drops;
    twice += drops;
    EXPECT_EQ(twice.all.dropped, 2 * drops.all.dropped);
    EXPECT_EQ(twice.token_lost_fraction(), drops.token_lost_fraction());
  }
}

}  // namespace
}  // namespace hotexpert
