#include "sim/core/routing_batch.hpp"

#include <gtest/gtest.h>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

RoutingBatch batch_of(const std::vector<StoredExpert>& ids, int slots, int num_experts) {
  RoutingBatch batch;
  batch.tokens = static_cast<std::int64_t>(ids.size()) / slots;
  batch.slots = slots;
  batch.num_experts = num_experts;
  batch.topk_ids = ids;
  return batch;
}

TEST(CountLoadTest, AgreesWithAPlainLoopForAnyMixOfIds) {
  RandomStream random({.seed = 3, .purpose = RandomPurpose::kTest}, 0);
  for (const int experts : {1, 2, 7, 256, 32767}) {
    for (const std::size_t count : {0U, 1U, 3U, 4U, 8191U, 8192U, 8193U, 30001U}) {
      for (const bool hostile : {false, true}) {
        std::vector<StoredExpert> ids(count);
        std::vector<std::int64_t> expected(static_cast<std::size_t>(experts), 5);
        for (auto& id : ids) {
          id = static_cast<StoredExpert>(
              static_cast<int>(random.below(static_cast<std::uint32_t>(experts) + 1)) - 1);
          if (hostile && random.below(4) == 0) id = static_cast<StoredExpert>(random.next());
          if (id >= 0 && id < experts) ++expected[static_cast<std::size_t>(id)];
        }
        std::vector<std::int64_t> load(static_cast<std::size_t>(experts), 5);  // it adds
        count_load(batch_of(ids, 1, experts), load);
        EXPECT_EQ(load, expected) << experts << " experts, " << count << " ids";
      }
    }
  }
}

TEST(CheckBatchTest, CountsIdsOutOfRangeAndRepeatedExperts) {
  const std::vector<StoredExpert> ids = {0, 1, 2, 2, -1, -1, 3, 0, -2, 1, 1, 1};
  const auto faults = check_batch(batch_of(ids, 2, 3));
  EXPECT_EQ(faults.out_of_range, 2);      // 3 and -2
  EXPECT_EQ(faults.duplicate_tokens, 2);  // tokens 1 and 5; absent slots do not repeat
  EXPECT_EQ(faults.first_bad_token, 1);
  EXPECT_EQ(check_batch(batch_of({0, 1, -1, 2}, 2, 3)).first_bad_token, -1);
}

}  // namespace
}  // namespace hotexpert
