#include "sim/placement/eplb.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {
namespace {

std::vector<std::int32_t> integers(const Json& array) {
  std::vector<std::int32_t> out;
  for (const auto& value : array.as_array()) {
    out.push_back(static_cast<std::int32_t>(value.as_integer()));
  }
  return out;
}

std::vector<double> numbers(const Json& array) {
  std::vector<double> out;
  for (const auto& value : array.as_array()) out.push_back(value.as_double());
  return out;
}

class EplbReferenceTest : public ::testing::TestWithParam<const char*> {};

TEST_P(EplbReferenceTest, EqualsTheReferenceSlotBySlot) {
  const std::filesystem::path file =
      std::filesystem::path(HOTEXPERT_SOURCE_DIR) / "../shared/eplb" / GetParam();
  std::ifstream in(file);
  if (!in) GTEST_SKIP() << file << " is not here";
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto json = Json::parse(text, file.string());
  const auto& params = json.at("params");
  const auto param = [&](const char* key) { return static_cast<int>(params.at(key).as_integer()); };
  const PlacementTarget target{.ranks = param("num_gpus"),
                               .nodes = param("num_nodes"),
                               .groups = param("num_groups"),
                               .slots = param("num_replicas")};
  const auto& layers = json.at("weight").as_array();
  ASSERT_FALSE(layers.empty());
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const auto placed = eplb(numbers(layers[layer]), target);
    EXPECT_EQ(placed.physical_to_logical,
              integers(json.at("physical_to_logical_map").as_array()[layer]));
    EXPECT_EQ(placed.expert_count, integers(json.at("expert_count").as_array()[layer]));
    const auto& by_expert = json.at("logical_to_physical_map").as_array()[layer].as_array();
    const int stride = static_cast<int>(by_expert.front().as_array().size());
    std::vector<std::int32_t> expected;
    for (const auto& slots : by_expert) {
      const auto row = integers(slots);
      expected.insert(expected.end(), row.begin(), row.end());
    }
    EXPECT_EQ(logical_to_physical(placed.physical_to_logical, placed.copy_number,
                                  static_cast<int>(by_expert.size()), stride),
              expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, EplbReferenceTest,
                         ::testing::Values("readme-example.json",
                                           "uniform-4x64-72-replicas-2-nodes-8-gpus.json"));

using Slots = std::vector<std::int32_t>;

TEST(EplbTest, PlacesTheReadmeExample) {
  const std::vector<double> load = {90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86};
  const auto placed = eplb(load, {.ranks = 8, .nodes = 2, .groups = 4, .slots = 16});
  EXPECT_EQ(placed.physical_to_logical, (Slots{5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1}));
  EXPECT_EQ(placed.expert_count, (Slots{1, 2, 1, 1, 2, 2, 1, 1, 1, 1, 2, 1}));
}

TEST(EplbTest, UsesOneGroupOnOneNodeWhereNodesDoNotDivideGroups) {
  const std::vector<double> load = {90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86};
  const auto global = eplb(load, {.ranks = 8, .nodes = 1, .groups = 1, .slots = 16});
  const auto undivided = eplb(load, {.ranks = 8, .nodes = 4, .groups = 2, .slots = 16});
  EXPECT_EQ(undivided.physical_to_logical, global.physical_to_logical);
}

TEST(EplbTest, BreaksTiesByLowerIndex) {
  const std::vector<double> equal(6, 10.0);
  const auto placed = eplb(equal, {.ranks = 4, .slots = 8});
  EXPECT_EQ(placed.expert_count, (Slots{2, 2, 1, 1, 1, 1}));
  // Singles 2, 3, 4, 5 first, one a rank; then the halves of 0 and 1 (slots 0, 1, then the copies).
  EXPECT_EQ(placed.physical_to_logical, (Slots{2, 0, 3, 1, 4, 0, 5, 1}));
}

TEST(EplbTest, SumsInFloatAsTheOriginalDoes) {
  // In float 2^24 + 1 = 2^24, so the third item still sees two equal packs and takes the first.
  const std::vector<float> weight = {16777216.0F, 16777216.0F, 1.0F, 1.0F, 1.0F, 1.0F};
  EXPECT_EQ(pack_balanced(weight, 2).pack, (Slots{0, 1, 0, 0, 1, 1}));
}

TEST(EplbTest, PutsItemsInOrderWhenEachPackTakesOne) {
  const std::vector<float> weight = {1, 3, 2};
  EXPECT_EQ(pack_balanced(weight, 3).pack, (Slots{0, 1, 2}));
}

TEST(EplbTest, RefusesSlotsThatRanksDoNotDivide) {
  const std::vector<double> load(8, 1.0);
  try {
    eplb(load, {.ranks = 4, .slots = 10});
    FAIL() << "not refused";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "placement.slots: eplb gives every rank as many slots, and 4 ranks do not divide "
                 "10 slots; use 12");
  }
}

}  // namespace
}  // namespace hotexpert
