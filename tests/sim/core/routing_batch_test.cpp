#include "sim/core/routing_batch.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

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

TEST(CheckBatchTest, FindsWhatALookAtEachTokenFinds) {
  RandomStream random({.seed = 4, .purpose = RandomPurpose::kTest}, 0);
  int sound = 0;
  for (int i = 0; i < 3000; ++i) {
    const int slots = 1 + static_cast<int>(random.below(5));
    const int experts = 40;
    std::vector<StoredExpert> ids(static_cast<std::size_t>(slots) * random.below(6));
    for (auto& id : ids) id = static_cast<StoredExpert>(static_cast<int>(random.below(41)) - 1);
    if (!ids.empty() && i % 7 == 0) ids[random.below(static_cast<std::uint32_t>(ids.size()))] = 40;
    std::int64_t duplicates = 0;
    std::int64_t out_of_range = 0;
    std::int64_t first_bad = -1;
    for (std::size_t token = 0; token * static_cast<std::size_t>(slots) < ids.size(); ++token) {
      std::multiset<StoredExpert> named;
      for (int slot = 0; slot < slots; ++slot) {
        named.insert(ids[token * static_cast<std::size_t>(slots) + static_cast<std::size_t>(slot)]);
      }
      named.erase(kAbsent);
      const std::set<StoredExpert> distinct(named.begin(), named.end());
      const auto bad = static_cast<std::int64_t>(named.count(40));
      const bool repeats = distinct.size() != named.size();
      out_of_range += bad;
      duplicates += repeats ? 1 : 0;
      if ((bad > 0 || repeats) && first_bad < 0) first_bad = static_cast<std::int64_t>(token);
    }
    const auto faults = check_batch(batch_of(ids, slots, experts));
    ASSERT_EQ(faults.duplicate_tokens, duplicates);
    ASSERT_EQ(faults.out_of_range, out_of_range);
    ASSERT_EQ(faults.first_bad_token, first_bad);
    sound += first_bad < 0 ? 1 : 0;
  }
  EXPECT_GT(sound, 500);
}

}  // namespace
}  // namespace hotexpert
