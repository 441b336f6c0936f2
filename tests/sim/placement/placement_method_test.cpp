#include "sim/placement/placement_method.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sim/base/errors.hpp"
#include "sim/placement/placement_score.hpp"
#include "tests/sim/placement/placement_instances.hpp"

namespace hotexpert {

void PrintTo(const PlacementMethodRow& row, std::ostream* out) { *out << row.name; }

namespace {

using testing::zipf_loads;

std::vector<int> experts_in_slots(const PlacedLayer& layer) {
  std::vector<int> out;
  for (const auto expert : layer.placement.physical_to_logical()) out.push_back(index(expert));
  return out;
}

class PlacementMethodContract : public ::testing::TestWithParam<PlacementMethodRow> {
 protected:
  PlacementMethod method_ = PlacementMethod::parse(GetParam().name);
};

TEST_P(PlacementMethodContract, GivesEveryRankItsSlotsAndEveryExpertOne) {
  const auto load = zipf_loads(64, 1.0, 3, 0);
  for (const int slots : {64, 72, 96, 256}) {
    const PlacementTarget target{.ranks = 8, .nodes = 2, .groups = 4, .slots = slots};
    const auto layer = method_.place({load, target});
    ASSERT_EQ(layer.placement.num_physical(), slots);
    for (int e = 0; e < 64; ++e) {
      EXPECT_FALSE(layer.placement.replicas(static_cast<LogicalExpert>(e)).empty());
    }
    for (int slot = 0; slot < slots; ++slot) {
      const auto rank = layer.placement.physical_to_rank()[static_cast<std::size_t>(slot)];
      ASSERT_EQ(index(rank), slot / (slots / 8));
    }
  }
}

TEST_P(PlacementMethodContract, NumbersTheCopiesOfAnExpertFromZero) {
  const auto load = zipf_loads(32, 1.2, 3, 0);
  const auto layer = method_.place({load, {.ranks = 8, .slots = 48}});
  for (int e = 0; e < 32; ++e) {
    std::vector<std::int32_t> numbers;
    for (const auto slot : layer.placement.replicas(static_cast<LogicalExpert>(e))) {
      numbers.push_back(layer.copy_number[static_cast<std::size_t>(index(slot))]);
    }
    std::sort(numbers.begin(), numbers.end());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      EXPECT_EQ(numbers[i], static_cast<std::int32_t>(i));
    }
  }
}

TEST_P(PlacementMethodContract, GivesTheSamePlacementTwice) {
  const auto load = zipf_loads(64, 0.8, 5, 1);
  const PlacementProblem problem{load, {.ranks = 8, .slots = 80}, {}, 7, 1};
  EXPECT_EQ(experts_in_slots(method_.place(problem)), experts_in_slots(method_.place(problem)));
}

TEST_P(PlacementMethodContract, PlacesALayerWithoutLoadAndASingleRank) {
  const std::vector<double> none(8, 0.0);
  EXPECT_EQ(method_.place({none, {.ranks = 4, .slots = 12}}).placement.num_physical(), 12);
  EXPECT_EQ(method_.place({none, {}}).placement.num_physical(), 8);
}

INSTANTIATE_TEST_SUITE_P(AllMethods, PlacementMethodContract,
                         ::testing::ValuesIn(placement_methods().begin(),
                                             placement_methods().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(PlacementMethodTest, ContiguousAndStridedDealExpertsInOrder) {
  const std::vector<double> load(6, 1.0);
  const PlacementTarget target{.ranks = 3, .slots = 6};
  const auto place = [&](const char* name) {
    return experts_in_slots(PlacementMethod::parse(name).place({load, target}));
  };
  EXPECT_EQ(place("contiguous"), (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(place("strided"), (std::vector<int>{0, 3, 1, 4, 2, 5}));
}

TEST(PlacementMethodTest, SimpleMethodsGiveTheFirstRanksTheSlotsThatAreLeft) {
  const std::vector<double> load(7, 1.0);
  for (const char* name : {"contiguous", "strided", "random", "greedy"}) {
    const auto layer = PlacementMethod::parse(name).place({load, {.ranks = 3}});
    std::vector<int> held(3, 0);
    for (const auto rank : layer.placement.physical_to_rank()) {
      ++held[static_cast<std::size_t>(index(rank))];
    }
    EXPECT_EQ(held, (std::vector<int>{3, 2, 2})) << name;
  }
}

TEST(PlacementMethodTest, RandomDependsOnSeedAndLayer) {
  const std::vector<double> load(32, 1.0);
  const auto method = PlacementMethod::parse("random");
  const auto place = [&](std::uint64_t seed, std::uint32_t layer) {
    return experts_in_slots(method.place({load, {.ranks = 4}, {}, seed, layer}));
  };
  EXPECT_NE(place(1, 0), place(2, 0));
  EXPECT_NE(place(1, 0), place(1, 1));
}

TEST(PlacementMethodTest, GreedyGivesSlowRanksLess) {
  const auto load = zipf_loads(30, 1.0, 3, 0);
  const PlacementTarget target{.ranks = 3, .slots = 45, .rank_speed = {1.0, 1.0, 0.5}};
  const auto layer = PlacementMethod::parse("greedy").place({load, target});
  const auto score = score_placement(layer.placement, load, target);
  EXPECT_LT(score.rank_load[2], 0.7 * score.rank_load[0]);
}

TEST(PlacementMethodTest, RefusesWhatCannotBePlaced) {
  const auto method = PlacementMethod::parse("greedy");
  const std::vector<double> load(8, 1.0);
  EXPECT_THROW((void)method.place({load, {.ranks = 0}}), UsageError);
  EXPECT_THROW((void)method.place({load, {.ranks = 5000}}), UsageError);
  EXPECT_THROW((void)method.place({load, {.ranks = 9}}), UsageError);
  EXPECT_THROW((void)method.place({load, {.ranks = 2, .slots = 7}}), UsageError);
  EXPECT_THROW((void)method.place({load, {.ranks = 4, .nodes = 3}}), UsageError);
  EXPECT_THROW((void)method.place({load, {.ranks = 2, .groups = 3}}), UsageError);
  EXPECT_THROW((void)method.place({load, {.ranks = 2, .rank_speed = {1.0}}}), UsageError);
  EXPECT_THROW((void)method.place({load, {.ranks = 2, .rank_speed = {1.0, 0.0}}}), UsageError);
  const std::vector<double> negative = {1, -1};
  EXPECT_THROW((void)method.place({negative, {}}), InputError);
  EXPECT_THROW((void)method.place({{}, {}}), InputError);
  EXPECT_THROW(PlacementMethod::parse("ebpl"), UsageError);
}

}  // namespace
}  // namespace hotexpert
