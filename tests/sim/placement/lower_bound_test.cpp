#include "sim/placement/lower_bound.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sim/placement/placement_method.hpp"
#include "sim/placement/placement_score.hpp"
#include "tests/sim/placement/placement_instances.hpp"

namespace hotexpert {
namespace {

using testing::all_loads;
using testing::brute_force_optimum;

// Multiples of 60, so that shares among up to 6 copies are exact in double.
const std::vector<double> kLoads = {0, 60, 180, 660};

struct SmallCase {
  int experts;
  PlacementTarget target;
};

std::vector<SmallCase> free_cases() {
  return {{2, {.ranks = 2, .slots = 2}},
          {2, {.ranks = 2, .slots = 4}},
          {3, {.ranks = 2, .slots = 4}},
          {3, {.ranks = 3, .slots = 3}},
          {3, {.ranks = 3, .slots = 6}},
          {4, {.ranks = 2, .slots = 4}},
          {4, {.ranks = 2, .slots = 6}},
          {4, {.ranks = 3, .slots = 6}},
          {3, {.ranks = 2, .slots = 4, .rank_speed = {1.0, 0.5}}},
          {4, {.ranks = 3, .slots = 6, .rank_speed = {0.5, 1.0, 2.0}}}};
}

std::vector<SmallCase> grouped_cases() {
  return {{2, {.ranks = 2, .nodes = 2, .groups = 2, .slots = 4}},
          {4, {.ranks = 2, .nodes = 2, .groups = 2, .slots = 6}},
          {4, {.ranks = 2, .nodes = 2, .groups = 4, .slots = 6}},
          {4, {.ranks = 4, .nodes = 2, .groups = 2, .slots = 4}},
          {4, {.ranks = 2, .nodes = 2, .groups = 4, .slots = 6, .rank_speed = {0.5, 1.0}}}};
}

/// lower bound <= optimum <= every method, for every load.
void expect_order(const SmallCase& small, bool groups_kept) {
  for (const auto& load : all_loads(small.experts, kLoads)) {
    const double optimum = brute_force_optimum(load, small.target, groups_kept);
    const double bound = groups_kept ? grouped_lower_bound(load, small.target)
                                     : placement_lower_bound(load, small.target);
    ASSERT_LE(bound, optimum * (1 + 1e-12)) << ::testing::PrintToString(load);
    for (const auto& row : placement_methods()) {
      const auto placed = PlacementMethod::parse(row.name).place({load, small.target});
      if (groups_kept && !placed.groups_kept_on_nodes) continue;
      const auto score = score_placement(placed.placement, load, small.target);
      ASSERT_GE(score.slowest_load * (1 + 1e-12), optimum)
          << row.name << " " << ::testing::PrintToString(load);
    }
  }
}

TEST(LowerBoundTest, IsBelowTheOptimumAndMethodsAboveOnAllSmallInstances) {
  for (const auto& small : free_cases()) expect_order(small, false);
}

TEST(LowerBoundTest, GroupedIsBelowTheGroupedOptimumOnAllSmallInstances) {
  for (const auto& small : grouped_cases()) expect_order(small, true);
}

TEST(LowerBoundTest, IsTheMeanWhenLoadsAreEqual) {
  const std::vector<double> load(8, 30.0);
  EXPECT_EQ(placement_lower_bound(load, {.ranks = 4}), 60.0);
}

TEST(LowerBoundTest, IsTheHottestShareWhenOneExpertIsHot) {
  const std::vector<double> load = {1000, 1, 1, 1};
  // One spare slot: the hot expert is halved, and no placement of 5 slots does better.
  EXPECT_EQ(placement_lower_bound(load, {.ranks = 5, .slots = 5}), 500.0);
}

TEST(LowerBoundTest, CountsTheCompanionsOfTheHeaviestGroup) {
  // Groups of one expert, two a node: 100 meets at least 10; of the three heaviest, two meet.
  EXPECT_EQ(grouped_lower_bound(std::vector<double>{100, 10, 20, 30},
                                {.ranks = 2, .nodes = 2, .groups = 4, .slots = 4}),
            110.0);
  EXPECT_EQ(grouped_lower_bound(std::vector<double>{60, 60, 60, 0},
                                {.ranks = 2, .nodes = 2, .groups = 4, .slots = 4}),
            120.0);
}

TEST(LowerBoundTest, DividesByTheSpeedOfRanks) {
  const std::vector<double> load = {30, 30, 30, 30};
  EXPECT_EQ(placement_lower_bound(load, {.ranks = 2, .rank_speed = {1.0, 0.5}}), 80.0);
}

TEST(CertificateTest, HoldsAGroupedPlacementAgainstGroupedPlacements) {
  const std::vector<double> load = {90, 30, 10, 10};
  const PlacementTarget target{.ranks = 2, .nodes = 2, .groups = 2, .slots = 4};
  const auto kept = certify(PlacementMethod::parse("eplb").place({load, target}), load, target);
  EXPECT_EQ(kept.slowest_load, 120.0);
  EXPECT_EQ(kept.lower_bound, 120.0);
  EXPECT_EQ(kept.lower_bound_any, 90.0);
  EXPECT_EQ(kept.ratio, 1.0);
}

TEST(CertificateTest, OfALayerWithoutLoadIsOne) {
  const std::vector<double> load(4, 0.0);
  const PlacementTarget target{.ranks = 2};
  const auto layer = PlacementMethod::parse("greedy").place({load, target});
  EXPECT_EQ(certify(layer, load, target).ratio, 1.0);
  EXPECT_EQ(score_placement(layer.placement, load, target).max_over_mean, 1.0);
}

}  // namespace
}  // namespace hotexpert
