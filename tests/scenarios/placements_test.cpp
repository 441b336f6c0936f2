#include "scenarios/runner/placements.hpp"

#include <gtest/gtest.h>

#include "scenarios/runner/trace_cache.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

PointSpec spec_of(std::initializer_list<std::pair<std::string_view, std::string>> changes) {
  AxisChoice choice = Scenario().expand(kSweepScopes).front();
  choice["layer.experts"] = "16";
  choice["skew.model"] = "zipf:exponent=1.2";
  choice["step.tokens"] = "256";
  choice["step.count"] = "6";
  for (const auto& [axis, value] : changes) choice[axis] = value;
  return make_point_spec(choice);
}

Placements placed(const PointSpec& spec) {
  TraceCache traces(1);
  return place_experts(spec, *traces.open(spec.trace), 1);
}

std::vector<int> experts(const ExpertPlacement& placement) {
  std::vector<int> out;
  for (const auto expert : placement.physical_to_logical()) out.push_back(index(expert));
  return out;
}

TEST(PlacementsTest, OneRankKeepsEveryExpertInItsPlaceAndScoresEveryStep) {
  const auto placements = placed(spec_of({{"placement.method", "eplb"}}));
  EXPECT_EQ(placements.window, 0);
  EXPECT_TRUE(placements.of(0).is_identity());
}

TEST(PlacementsTest, PlansOnTheFirstHalfOfTheStepsOnly) {
  // Two traces that agree in their first three steps give the same placement.
  const auto a = spec_of({{"ep.ranks", "4"}, {"placement.method", "eplb"}, {"step.count", "6"}});
  const auto b = spec_of({{"ep.ranks", "4"},
                          {"placement.method", "eplb"},
                          {"step.count", "8"},
                          {"placement.window", "3"}});
  EXPECT_EQ(placed(a).window, 3);
  EXPECT_EQ(experts(placed(a).of(0)), experts(placed(b).of(0)));
  const auto other = spec_of({{"ep.ranks", "4"},
                              {"placement.method", "eplb"},
                              {"step.count", "6"},
                              {"placement.window", "1"}});
  EXPECT_NE(experts(placed(a).of(0)), experts(placed(other).of(0)));
}

TEST(PlacementsTest, MethodsThatSeeLoadNeedAnEarlierStep) {
  EXPECT_THROW(
      placed(spec_of({{"ep.ranks", "4"}, {"placement.method", "eplb"}, {"step.count", "1"}})),
      UsageError);
  EXPECT_EQ(placed(spec_of({{"ep.ranks", "4"}, {"step.count", "1"}})).window, 0);
  EXPECT_THROW(placed(spec_of({{"ep.ranks", "4"}, {"placement.window", "6"}})), UsageError);
  EXPECT_THROW(placed(spec_of(
                   {{"ep.ranks", "4"}, {"placement.method", "greedy"}, {"placement.window", "0"}})),
               UsageError);
}

TEST(PlacementsTest, NodesAreTheFewestThatTheNetworkAllows) {
  EXPECT_EQ(node_count(0, 8, 8), 1);
  EXPECT_EQ(node_count(0, 12, 8), 2);
  EXPECT_EQ(node_count(0, 9, 8), 3);
  EXPECT_EQ(node_count(0, 64, 8), 8);
  EXPECT_EQ(node_count(2, 64, 8), 2);
  const auto placements = placed(spec_of({{"ep.ranks", "16"}}));
  EXPECT_EQ(placements.target.nodes, 2);
  EXPECT_EQ(placements.network.ranks_per_node, 8);
}

TEST(PlacementsTest, RefusesRanksThatCannotHoldASlot) {
  EXPECT_THROW(placed(spec_of({{"ep.ranks", "17"}})), UsageError);
  EXPECT_EQ(placed(spec_of({{"ep.ranks", "32"}, {"placement.slots", "32"}})).of(0).num_physical(),
            32);
}

TEST(PlacementsTest, RefineSeesWhichExpertsTokensChooseTogether) {
  // Pairs of experts chosen together end on one rank more often than eplb puts them there.
  const auto together = [&](const char* method) {
    const auto spec = spec_of({{"ep.ranks", "4"},
                               {"placement.method", method},
                               {"skew.model", "coactivated"},
                               {"layer.top_k", "2"},
                               {"step.tokens", "4096"}});
    TraceCache traces(1);
    const auto trace = traces.open(spec.trace);
    const auto placements = place_experts(spec, *trace, 1);
    BatchBuffer buffer;
    const auto batch = trace->read(5, 0, buffer);
    const auto ranks = placements.of(0).physical_to_rank();
    int same = 0;
    for (std::int64_t token = 0; token < batch.tokens; ++token) {
      const auto first = batch.topk_ids[static_cast<std::size_t>(2 * token)];
      const auto second = batch.topk_ids[static_cast<std::size_t>(2 * token + 1)];
      const auto rank = [&](int expert) {
        return ranks[static_cast<std::size_t>(
            index(placements.of(0).replicas(static_cast<LogicalExpert>(expert)).front()))];
      };
      same += rank(first) == rank(second) ? 1 : 0;
    }
    return same;
  };
  EXPECT_GT(together("refine"), together("eplb"));
}

}  // namespace
}  // namespace hotexpert
