#include "tests/support/random_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "sim/base/random.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "tests/sim/routing/random_routing.hpp"

namespace hotexpert {
namespace {

using testing::RandomRouting;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kStrange[] = {kNan, kInfinity, -kInfinity, -1.0F, 0.0F, -0.0F, 1e-45F, 3e38F};
constexpr StoredExpert kBoundary[] = {-1, -2, std::numeric_limits<StoredExpert>::min(),
                                      std::numeric_limits<StoredExpert>::max()};

/// What a router or a recording may hold at its worst: gates that are NaN, infinite, negative or of
/// any sum, whole rows of NaN, ids at and beyond the ends, every expert chosen (k = E), no token.
RandomRouting hostile_routing(RandomStream& random) {
  RandomRouting out;
  out.num_experts = 1 + static_cast<int>(random.below(40));
  const auto experts = static_cast<std::uint32_t>(out.num_experts);
  out.slots = random.below(4) == 0 ? out.num_experts : 1 + static_cast<int>(random.below(experts));
  out.tokens = random.below(65);
  const bool strange_ids = random.below(2) == 0;
  std::vector<StoredExpert> order;
  for (int e = 0; e < out.num_experts; ++e) order.push_back(static_cast<StoredExpert>(e));
  for (std::int64_t token = 0; token < out.tokens; ++token) {
    const bool all_nan = random.below(16) == 0;
    for (int slot = 0; slot < out.slots; ++slot) {
      const auto at = static_cast<std::size_t>(slot);
      std::swap(order[at], order[at + random.below(experts - static_cast<std::uint32_t>(slot))]);
      const bool strange = strange_ids && random.below(8) == 0;
      out.ids.push_back(!strange               ? order[at]
                        : random.below(3) == 0 ? static_cast<StoredExpert>(out.num_experts)
                                               : kBoundary[random.below(4)]);
      const auto bits = random.next();
      out.weights.push_back(all_nan            ? kNan
                            : (bits & 1U) != 0 ? kStrange[bits >> 29]
                                               : static_cast<float>(bits >> 24) / 16.0F);
    }
    for (std::uint32_t e = 0, bits = random.next(); e < experts; ++e, bits = bits * 1664525U + 1U)
      out.scores.push_back(all_nan || (bits >> 28) == 0 ? kNan : kStrange[bits >> 29]);
    out.request_id.push_back(static_cast<std::int32_t>(token / 5));
  }
  return out;
}

/// Slots of the batch that name no expert and are not absent.
std::int64_t invalid_slots(const RandomRouting& routing) {
  return std::count_if(routing.ids.begin(), routing.ids.end(), [&](StoredExpert id) {
    return id != kAbsent && (id < 0 || id >= routing.num_experts);
  });
}

/// Rows that are computed by an expert their token already has: none, as the ids were distinct.
int repeated_rows(const DispatchPlan& plan) {
  std::vector<std::uint64_t> seen(static_cast<std::size_t>(plan.tokens));
  int repeated = 0;
  for (int expert = 0; expert < plan.num_physical; ++expert) {
    const std::uint64_t bit = std::uint64_t{1} << expert;
    const auto end = plan.expert_offsets[static_cast<std::size_t>(expert) + 1];
    for (auto row = plan.expert_offsets[static_cast<std::size_t>(expert)]; row < end; ++row) {
      auto& mask = seen[static_cast<std::size_t>(plan.source_token[static_cast<std::size_t>(row)])];
      repeated += (mask & bit) != 0 ? 1 : 0;
      mask |= bit;
    }
  }
  return repeated;
}

TEST(RandomRowsTest, EveryPolicyKeepsDistinctExpertsInRangeAndCountsWhatIsInvalid) {
  const long rows = testing_support::random_rows(200'000);
  const std::uint64_t seed = 4711;
  SCOPED_TRACE(seed);
  RandomStream random({.seed = seed, .purpose = RandomPurpose::kTest}, 0);
  const Decimal factors[] = {Decimal{0, 0}, Decimal{1, 2}, Decimal{1, 0}, Decimal{125, 2}};
  long done = 0;
  std::int64_t invalid = 0;
  DispatchPlan plan;
  for (std::uint32_t batch_number = 0; done < rows; ++batch_number) {
    const RandomRouting routing = hostile_routing(random);
    done += std::max<long>(1, routing.tokens);
    CapacityPolicy policy;
    policy.drop_policy = kDropPolicies[batch_number % kDropPolicies.size()].name;
    policy.rule = "gshard:min_capacity=0";
    if (batch_number % 5 != 0) policy.factor = factors[random.below(4)];
    policy.group = random.below(3) == 0 ? 7 : 0;
    policy.seed = batch_number;
    DispatchPlanner(policy).plan(routing.batch(),
                                 ExpertPlacement::contiguous(routing.num_experts, 1), plan);
    check_invariants(plan);
    ASSERT_EQ(plan.invalid, invalid_slots(routing)) << "batch " << batch_number;
    ASSERT_EQ(repeated_rows(plan), 0) << policy.drop_policy << ", batch " << batch_number;
    invalid += plan.invalid;
  }
  EXPECT_GT(invalid, rows / 10);
  RecordProperty("rows", std::to_string(done));
}

}  // namespace
}  // namespace hotexpert
