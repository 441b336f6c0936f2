#include "sim/traces/controls.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/base/random.hpp"
#include "sim/metrics/load_metrics.hpp"

namespace hotexpert {
namespace {

RoutingBatch shape(std::int64_t tokens, int slots, int experts,
                   const std::vector<StoredExpert>& ids, const std::vector<float>& weights) {
  RoutingBatch batch;
  batch.tokens = tokens;
  batch.slots = slots;
  batch.num_experts = experts;
  batch.topk_ids = ids;
  batch.topk_weights = weights;
  return batch;
}

TEST(BalancedControlTest, LoadsDifferByAtMostOneAndTokensNameDistinctExperts) {
  RandomStream random({.seed = 8, .purpose = RandomPurpose::kTest}, 0);
  BatchBuffer buffer;
  for (int trial = 0; trial < 500; ++trial) {
    const int experts = 1 + static_cast<int>(random.below(20));
    const int slots = 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(experts)));
    const std::int64_t tokens = random.below(60);
    std::vector<StoredExpert> ids(static_cast<std::size_t>(tokens * slots), 0);
    for (auto& id : ids) id = random.below(5) == 0 ? kAbsent : StoredExpert{0};
    const std::vector<float> weights(ids.size(), 1.0F);
    const auto like = shape(tokens, slots, experts, ids, weights);
    const auto batch = fill_balanced(like, static_cast<std::uint64_t>(trial), buffer);
    const auto faults = check_batch(batch);
    ASSERT_EQ(faults.duplicate_tokens + faults.out_of_range, 0);
    std::vector<std::int64_t> load(static_cast<std::size_t>(experts));
    count_load(batch, load);
    const auto [low, high] = std::minmax_element(load.begin(), load.end());
    ASSERT_LE(*high - *low, 1) << experts << " experts, top-" << slots << ", " << tokens;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ASSERT_EQ(batch.topk_ids[i] == kAbsent, ids[i] == kAbsent);
      ASSERT_EQ(batch.topk_weights[i] > 0, ids[i] != kAbsent);
    }
  }
}

TEST(BalancedControlTest, NeighbouringTokensAreMixedNotBlocked) {
  const std::vector<StoredExpert> ids(4096 * 2, 0);
  const auto like = shape(4096, 2, 8, ids, {});
  BatchBuffer buffer;
  const auto batch = fill_balanced(like, 1, buffer);
  EXPECT_TRUE(batch.topk_weights.empty());
  // In a block or round-robin pattern a token's pair is one of a few; here all 56 ordered ones
  // occur.
  std::vector<int> pairs(64);
  for (std::size_t t = 0; t < 4096; ++t) {
    ++pairs[static_cast<std::size_t>(batch.topk_ids[2 * t] * 8 + batch.topk_ids[2 * t + 1])];
  }
  EXPECT_EQ(std::count(pairs.begin(), pairs.end(), 0), 8);
  EXPECT_LT(*std::max_element(pairs.begin(), pairs.end()), 2 * 4096 / 56);
}

}  // namespace
}  // namespace hotexpert
