// Every drop policy against two simulators that share no code with it or with each other: one sorts
// each bin's assignments by priority, one lets assignments arrive and evicts the least.
#include "sim/routing/drop_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "sim/metrics/drop_spectrum.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/routing/policies/keep_best.hpp"
#include "tests/sim/routing/print_rows.hpp"
#include "tests/sim/routing/random_routing.hpp"

namespace hotexpert {
namespace {

using ::testing::HasSubstr;
using testing::RandomRouting;

/// Smaller is kept first. The last member, the position, makes it unique.
using Priority = std::tuple<double, double, std::int64_t>;

Priority priority_of(std::string_view policy, const RoutingBatch& batch, std::uint64_t seed,
                     std::int64_t position) {
  const auto token = position / batch.slots;
  const auto slot = position % batch.slots;
  const auto i = static_cast<std::size_t>(position);
  if (policy == "slot-major") return {static_cast<double>(slot), 0, position};
  if (policy == "probs") return {-static_cast<double>(batch.topk_weights[i]), 0, position};
  if (policy == "random") {
    const auto words =
        philox({.seed = seed,
                .purpose = RandomPurpose::kDropOrder,
                .step = static_cast<std::uint32_t>(batch.step),
                .layer = static_cast<std::uint32_t>(batch.layer)},
               static_cast<std::uint32_t>(token), static_cast<std::uint32_t>(slot / 4));
    return {static_cast<double>(words[static_cast<std::size_t>(slot % 4)]), 0, position};
  }
  if (policy == "sequence-protected:share=0.4") {
    const auto request = batch.request_id[static_cast<std::size_t>(token)];
    const auto word = philox({.seed = seed, .purpose = RandomPurpose::kDropOrder},
                             static_cast<std::uint32_t>(request), 0xffffffff)[0];
    return {word < 0.4 * 0x1p32 ? 0.0 : 1.0, -static_cast<double>(batch.topk_weights[i]), position};
  }
  return {0, 0, position};
}

struct Experiment {
  std::string policy;
  const RoutingBatch& batch;
  std::vector<int> bin_of_expert;
  std::vector<std::int64_t> capacity;  // of each group
  std::int64_t group = 1;
  std::uint64_t seed = 0;

  [[nodiscard]] int bin(std::int64_t position) const {
    const auto id = batch.topk_ids[static_cast<std::size_t>(position)];
    return id < 0 || id >= batch.num_experts ? -1 : bin_of_expert[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] std::size_t group_of(std::int64_t position) const {
    return static_cast<std::size_t>(position / batch.slots / group);
  }
};

/// First simulator: sort all assignments of a (group, bin) and cut.
std::set<std::int32_t> dropped_by_sorting(const Experiment& x) {
  std::map<std::pair<std::size_t, int>, std::vector<Priority>> lists;
  for (std::int64_t i = 0; i < x.batch.assignments(); ++i) {
    if (x.bin(i) < 0) continue;
    lists[{x.group_of(i), x.bin(i)}].push_back(priority_of(x.policy, x.batch, x.seed, i));
  }
  std::set<std::int32_t> dropped;
  for (auto& [key, list] : lists) {
    std::sort(list.begin(), list.end());
    for (auto i = static_cast<std::size_t>(x.capacity[key.first]); i < list.size(); ++i) {
      dropped.insert(static_cast<std::int32_t>(std::get<2>(list[i])));
    }
  }
  return dropped;
}

/// Second simulator: assignments arrive from the last to the first; a bin that overflows evicts the
/// worst it holds.
std::set<std::int32_t> dropped_by_eviction(const Experiment& x) {
  std::map<std::pair<std::size_t, int>, std::set<Priority>> held;
  std::set<std::int32_t> dropped;
  for (std::int64_t i = x.batch.assignments(); i-- > 0;) {
    if (x.bin(i) < 0) continue;
    auto& bin = held[{x.group_of(i), x.bin(i)}];
    bin.insert(priority_of(x.policy, x.batch, x.seed, i));
    if (static_cast<std::int64_t>(bin.size()) <= x.capacity[x.group_of(i)]) continue;
    dropped.insert(static_cast<std::int32_t>(std::get<2>(*bin.rbegin())));
    bin.erase(std::prev(bin.end()));
  }
  return dropped;
}

std::vector<std::int64_t> group_capacities(const CapacityRule& rule, const Decimal& factor,
                                           const RoutingBatch& batch, std::int64_t group,
                                           int ranks) {
  std::vector<std::int64_t> capacities;
  for (std::int64_t first = 0; first < batch.tokens; first += group) {
    std::vector<std::int64_t> load(static_cast<std::size_t>(batch.num_experts));
    const auto end = std::min(batch.tokens, first + group);
    for (auto i = first * batch.slots; i < end * batch.slots; ++i) {
      const auto id = batch.topk_ids[static_cast<std::size_t>(i)];
      if (id >= 0 && id < batch.num_experts) ++load[static_cast<std::size_t>(id)];
    }
    const CapacityScope scope{.tokens = end - first,
                              .num_experts = batch.num_experts,
                              .top_k = batch.slots,
                              .num_ranks = ranks};
    capacities.push_back(
        capacity_of(rule, scope, factor, *std::max_element(load.begin(), load.end())).value());
  }
  return capacities;
}

class EveryRuleAndPolicy
    : public ::testing::TestWithParam<std::tuple<CapacityRuleRow, const char*>> {};

TEST_P(EveryRuleAndPolicy, DropsWhatTwoSimulatorsDropAndAsManyAsTheSpectrum) {
  const auto& [row, policy_name] = GetParam();
  const CapacityRule rule(row.name);
  int compared = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    const int ranks = 1 + static_cast<int>(seed % 3);
    const RandomRouting routing = testing::random_routing(
        seed, {.max_experts = row.max_top_k == 1 ? 4 : 12, .num_ranks = ranks});
    if (routing.num_experts < ranks || rule.unsupported(routing.slots)) continue;
    ++compared;
    const auto batch = routing.batch();
    const auto placement = ExpertPlacement::contiguous(routing.num_experts, ranks);
    const Decimal factor(static_cast<std::int64_t>(seed % 9) * 25, 2);
    const std::int64_t group_axis = seed % 4 == 3 ? 7 : 0;
    const bool pooled = group_axis == 0 || row.pool == CapacityPool::kBatch;
    Experiment x{.policy = policy_name,
                 .batch = batch,
                 .bin_of_expert = {},
                 .capacity = {},
                 .group = std::max<std::int64_t>(1, pooled ? batch.tokens : group_axis),
                 .seed = seed};
    x.capacity = group_capacities(rule, factor, batch, x.group, ranks);
    for (int e = 0; e < routing.num_experts; ++e) {
      const auto rank = placement.physical_to_rank()[static_cast<std::size_t>(e)];
      x.bin_of_expert.push_back(row.bin == CapacityBin::kRank ? index(rank) : e);
    }
    const auto plan = plan_dispatch(batch, placement,
                                    {.factor = factor,
                                     .rule = std::string(row.name),
                                     .drop_policy = policy_name,
                                     .group = group_axis,
                                     .seed = seed});
    check_invariants(plan);
    const std::set<std::int32_t> dropped(plan.dropped.begin(), plan.dropped.end());
    ASSERT_EQ(dropped, dropped_by_sorting(x));
    ASSERT_EQ(dropped, dropped_by_eviction(x));

    std::int64_t expected = 0;
    for (std::size_t g = 0; g < x.capacity.size(); ++g) {
      std::map<int, std::int64_t> load;
      for (std::int64_t i = 0; i < batch.assignments(); ++i) {
        if (x.group_of(i) == g && x.bin(i) >= 0) ++load[x.bin(i)];
      }
      std::vector<std::int64_t> loads;
      for (const auto& entry : load) loads.push_back(entry.second);
      DropSpectrum spectrum;
      spectrum.assign(loads);
      expected += spectrum.dropped(x.capacity[g]);
    }
    ASSERT_EQ(static_cast<std::int64_t>(plan.dropped.size()), expected);
  }
  EXPECT_GT(compared, 50);
}

constexpr const char* kPoliciesThatOnlyDrop[] = {"position", "slot-major", "probs", "random",
                                                 "sequence-protected:share=0.4"};

INSTANTIATE_TEST_SUITE_P(List, EveryRuleAndPolicy,
                         ::testing::Combine(::testing::ValuesIn(kCapacityRules),
                                            ::testing::ValuesIn(kPoliciesThatOnlyDrop)),
                         [](const auto& param) {
                           std::string name(std::get<0>(param.param).name);
                           name += "_";
                           name += choice_name(std::get<1>(param.param));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(FallingRankTest, FollowsTheWeightDownwardsWithNaNLast) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> falling = {kInfinity, 3e38F,   1.5F,  1.0F,      0.5F,
                                      1e-45F,    -1e-45F, -0.5F, -kInfinity};
  for (std::size_t i = 1; i < falling.size(); ++i)
    EXPECT_LT(falling_rank(falling[i - 1]), falling_rank(falling[i])) << falling[i];
  EXPECT_EQ(falling_rank(-0.0F), falling_rank(0.0F));
  EXPECT_LT(falling_rank(1e-45F), falling_rank(0.0F));
  EXPECT_LT(falling_rank(0.0F), falling_rank(-1e-45F));
  for (const float sign : {1.0F, -1.0F}) {
    const float nan = std::copysign(std::numeric_limits<float>::quiet_NaN(), sign);
    EXPECT_EQ(falling_rank(nan), falling_rank(-kInfinity));
  }
  EXPECT_LT(falling_rank(-kInfinity), std::uint64_t{1} << 32);
}

TEST(DropPolicyListTest, EveryPolicyIsSimulated) {
  std::set<std::string_view> simulated = {"reroute"};
  for (const char* policy : kPoliciesThatOnlyDrop) simulated.insert(choice_name(policy));
  for (const auto& row : kDropPolicies) EXPECT_EQ(simulated.count(row.name), 1U) << row.name;
  EXPECT_EQ(simulated.size(), kDropPolicies.size());
}

/// First simulator of reroute: rounds over explicit sets of tokens an expert computes.
std::vector<int> rerouted_by_sets(const RoutingBatch& batch, std::int64_t capacity) {
  std::vector<std::set<std::int64_t>> members(static_cast<std::size_t>(batch.num_experts));
  std::vector<int> computed_by(static_cast<std::size_t>(batch.assignments()), -1);
  std::vector<std::int64_t> homeless;
  for (std::int64_t i = 0; i < batch.assignments(); ++i) {
    const auto id = batch.topk_ids[static_cast<std::size_t>(i)];
    if (id < 0 || id >= batch.num_experts) continue;
    auto& expert = members[static_cast<std::size_t>(id)];
    if (static_cast<std::int64_t>(expert.size()) < capacity) {
      expert.insert(i / batch.slots);
      computed_by[static_cast<std::size_t>(i)] = id;
    } else {
      homeless.push_back(i);
    }
  }
  for (const auto i : homeless) {
    const auto token = i / batch.slots;
    std::vector<std::pair<float, int>> candidates;
    for (int e = 0; e < batch.num_experts; ++e) {
      const auto score = batch.scores[static_cast<std::size_t>(token * batch.num_experts + e)];
      candidates.emplace_back(-score, e);
    }
    std::sort(candidates.begin(), candidates.end());
    for (const auto& candidate : candidates) {
      auto& expert = members[static_cast<std::size_t>(candidate.second)];
      if (static_cast<std::int64_t>(expert.size()) >= capacity || expert.count(token) > 0) continue;
      expert.insert(token);
      computed_by[static_cast<std::size_t>(i)] = candidate.second;
      break;
    }
  }
  return computed_by;
}

/// Second simulator: from the plan alone. Every claim of the policy is checked on its outcome.
void expect_reroute_laws(const RoutingBatch& batch, const DispatchPlan& plan,
                         std::int64_t capacity) {
  std::vector<int> expert_of(static_cast<std::size_t>(batch.assignments()), -1);
  for (int p = 0; p < plan.num_physical; ++p) {
    for (auto r = plan.expert_offsets[static_cast<std::size_t>(p)];
         r < plan.expert_offsets[static_cast<std::size_t>(p) + 1]; ++r) {
      expert_of[static_cast<std::size_t>(plan.source_slot[static_cast<std::size_t>(r)])] = p;
    }
  }
  // Who is dropped meets only full experts and experts that already compute the token.
  for (const auto position : plan.dropped) {
    const auto token = position / batch.slots;
    for (int e = 0; e < plan.num_physical; ++e) {
      bool uses = false;
      for (int s = 0; s < batch.slots; ++s) {
        uses = uses || expert_of[static_cast<std::size_t>(token * batch.slots + s)] == e;
      }
      EXPECT_TRUE(uses || plan.rows(e) == capacity);
    }
  }
  // Nobody who found room by position was moved.
  std::vector<std::int64_t> seen(static_cast<std::size_t>(batch.num_experts), 0);
  for (std::int64_t i = 0; i < batch.assignments(); ++i) {
    const auto id = batch.topk_ids[static_cast<std::size_t>(i)];
    if (id < 0 || id >= batch.num_experts) continue;
    if (seen[static_cast<std::size_t>(id)]++ < capacity) {
      EXPECT_EQ(expert_of[static_cast<std::size_t>(i)], id);
    }
  }
}

TEST(ReroutePolicyTest, FollowsTheScoresAsTwoSimulatorsDo) {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    const RandomRouting routing = testing::random_routing(seed);
    const auto batch = routing.batch();
    const std::int64_t capacity = seed % 8;
    const auto plan = plan_dispatch(batch, ExpertPlacement::contiguous(routing.num_experts),
                                    {.factor = Decimal(0, 0),
                                     .rule = "gshard:min_capacity=" + std::to_string(capacity),
                                     .drop_policy = "reroute"});
    check_invariants(plan);
    const auto expected = rerouted_by_sets(batch, capacity);
    std::int64_t moved = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (expected[i] >= 0 && expected[i] != batch.topk_ids[i]) ++moved;
    }
    EXPECT_EQ(plan.rerouted, moved);
    for (int p = 0; p < plan.num_physical; ++p) {
      for (auto r = plan.expert_offsets[static_cast<std::size_t>(p)];
           r < plan.expert_offsets[static_cast<std::size_t>(p) + 1]; ++r) {
        ASSERT_EQ(expected[static_cast<std::size_t>(plan.source_slot[static_cast<std::size_t>(r)])],
                  p);
      }
    }
    expect_reroute_laws(batch, plan, capacity);
    if (HasFailure()) return;
  }
}

TEST(ReroutePolicyTest, AReroutedWeightIsScaledByTheScores) {
  const RandomRouting routing{.num_experts = 3,
                              .slots = 1,
                              .tokens = 2,
                              .ids = {0, 0},
                              .weights = {1.0F, 0.8F},
                              .scores = {0.6F, 0.3F, 0.1F, 0.5F, 0.1F, 0.25F}};
  const auto plan = plan_dispatch(routing.batch(), ExpertPlacement::contiguous(3),
                                  {.factor = Decimal(1, 0), .drop_policy = "reroute"});
  EXPECT_EQ(plan.rows(2), 1);
  EXPECT_FLOAT_EQ(plan.gate_weight[1], 0.4F);
  EXPECT_EQ(plan.rerouted, 1);
}

TEST(RandomPolicyTest, KeepsEveryAssignmentOfAFullExpertEquallyOften) {
  RandomRouting routing{.num_experts = 1, .slots = 1, .tokens = 10};
  routing.ids.assign(10, 0);
  std::vector<int> kept(10);
  constexpr int kDraws = 4000;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    const auto plan =
        plan_dispatch(routing.batch(), ExpertPlacement::contiguous(1),
                      {.factor = Decimal(3, 1), .drop_policy = "random", .seed = seed});
    for (const auto token : plan.source_token) ++kept[static_cast<std::size_t>(token)];
  }
  for (const int count : kept) EXPECT_NEAR(count, 0.3 * kDraws, 5 * std::sqrt(0.21 * kDraws));
}

TEST(DropPolicyTest, NamesWhatTheRoutingLacks) {
  EXPECT_THAT(*DropPolicy("reroute").unsupported({.weights = true}), HasSubstr("router scores"));
  EXPECT_THAT(*DropPolicy("sequence-protected").unsupported({.weights = true}),
              HasSubstr("request ids"));
  EXPECT_FALSE(DropPolicy("random").unsupported({}).has_value());
}

}  // namespace
}  // namespace hotexpert
