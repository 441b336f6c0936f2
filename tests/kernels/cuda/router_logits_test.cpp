#include "kernels/cuda/plan/router_logits.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "sim/base/random.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

using test::Routing;

/// Ids of a token by falling logit, by sorting all of them.
std::vector<std::int32_t> top_k_by_sorting(const float* logits, const RouterSize& size) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(size.num_experts));
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
  ids.resize(static_cast<std::size_t>(size.top_k));
  return ids;
}

TEST(RouterLogitsTest, TheirTopKIsThePlansForAnyDropsSlotsAndSharedExperts) {
  for (std::uint32_t trial = 0; trial < 12; ++trial) {
    RandomStream stream({9, RandomPurpose::kTest, trial, 0}, 0);
    const int experts = 9 + static_cast<int>(stream.below(90));
    const int slots = 1 + static_cast<int>(stream.below(8));
    // Slot s takes one of the experts that are s modulo the slots: distinct a token.
    const auto routing = test::route(57, slots, experts, [&](auto, int s) -> int {
      if (stream.below(5) == 0) return Routing::kDropped;
      return s + slots * static_cast<int>(stream.below(
                             static_cast<std::uint32_t>((experts - s + slots - 1) / slots)));
    });
    LayerShape shape;
    shape.num_experts = experts;
    shape.top_k = slots;
    shape.num_shared_experts = trial % 3 == 0 ? 2 : 0;
    const auto plan = test::plan_of(routing);
    for (const auto& rows : {compact_rows(plan, shape), padded_rows(plan, shape)}) {
      const auto size = router_size(rows, shape.num_shared_experts);
      ASSERT_EQ(size.num_experts, experts);
      ASSERT_EQ(size.top_k, slots);
      const auto choices = kept_choices(rows, size);
      const auto logits = router_logits(choices, size, trial);
      std::vector<std::int32_t> routed;
      for (std::int64_t token = 0; token < rows.tokens; ++token) {
        const auto ids = top_k_by_sorting(logits.data() + token * experts, size);
        routed.insert(routed.end(), ids.begin(), ids.end());
        std::vector<std::int32_t> kept;
        for (int s = 0; s < slots; ++s)
          if (routing.at(token, s) >= 0) kept.push_back(routing.at(token, s));
        EXPECT_TRUE(std::equal(kept.begin(), kept.end(), ids.begin())) << "token " << token;
      }
      EXPECT_TRUE(begins_with(routed, choices, size));
      const auto wrong = std::find_if(choices.begin(), choices.end(), [](int c) { return c >= 0; });
      routed[static_cast<std::size_t>(wrong - choices.begin())] ^= 1;
      EXPECT_FALSE(begins_with(routed, choices, size));
    }
  }
}

TEST(RouterLogitsTest, MoreSlotsThanExpertsAskForEachExpertOnce) {
  const auto routing = test::route(3, 4, 2, [](auto, int s) { return s % 2; });
  LayerShape shape;
  shape.num_experts = 2;
  shape.top_k = 2;
  const auto rows = compact_rows(test::plan_of(routing), shape);
  const auto size = router_size(rows, 0);
  EXPECT_EQ(size.top_k, 2);
  EXPECT_EQ(kept_choices(rows, size), (std::vector<std::int32_t>{0, 1, 0, 1, 0, 1}));
  EXPECT_FALSE(begins_with({0, 1}, kept_choices(rows, size), size)) << "other sizes";
}

}  // namespace
}  // namespace hotexpert
