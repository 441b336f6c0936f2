#include "sim/placement/expert_map.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/placement/placement_method.hpp"
#include "tests/sim/placement/placement_instances.hpp"

namespace hotexpert {
namespace {

ExpertMap eplb_map(const std::vector<int>& layer_ids) {
  ExpertMap map;
  for (const int id : layer_ids) {
    const auto load = testing::zipf_loads(16, 1.2, 3, static_cast<std::uint32_t>(id));
    map.layer_ids.push_back(id);
    map.layers.push_back(PlacementMethod::parse("eplb").place(
        {load, {.ranks = 4, .nodes = 2, .groups = 4, .slots = 24}}));
  }
  return map;
}

std::vector<int> experts(const PlacedLayer& layer) {
  std::vector<int> out;
  for (const auto expert : layer.placement.physical_to_logical()) out.push_back(index(expert));
  return out;
}

std::string message_of(const ExpertMapFormatRow& format, const std::string& text, int ranks = 2) {
  try {
    (void)format.read(text, "map", ranks);
  } catch (const InputError& error) {
    return error.what();
  }
  return "read without an error";
}

const ExpertMapFormatRow& format(std::string_view name) {
  for (const auto& row : expert_map_formats()) {
    if (row.name == name) return row;
  }
  throw std::logic_error("no such format");
}

TEST(ExpertMapTest, EveryFormatReadsWhatItWrites) {
  const auto map = eplb_map({0, 1, 2});
  for (const auto& row : expert_map_formats()) {
    const auto read = row.read(row.write(map), "map", 4);
    EXPECT_EQ(read.layer_ids, map.layer_ids) << row.name;
    ASSERT_EQ(read.layers.size(), map.layers.size());
    for (std::size_t i = 0; i < map.layers.size(); ++i) {
      EXPECT_EQ(experts(read.layers[i]), experts(map.layers[i])) << row.name;
      EXPECT_EQ(read.layers[i].placement.num_ranks(), 4);
    }
  }
}

TEST(ExpertMapTest, EplbJsonKeepsTheOrderInWhichCopiesWereMade) {
  const auto map = eplb_map({3, 4});
  const auto read = read_eplb_json(write_eplb_json(map), "map", 4);
  EXPECT_EQ(read.layer_ids, (std::vector<int>{3, 4}));
  EXPECT_EQ(read.layers[0].copy_number, map.layers[0].copy_number);
  EXPECT_NE(map.layers[0].copy_number,
            PlacedLayer(map.layers[0].placement).copy_number);  // else the test shows nothing
}

TEST(ExpertMapTest, EplbJsonHoldsTheThreeTensorsOfTheOriginal) {
  ExpertMap map;
  map.layer_ids = {0};
  const std::vector<double> load = {3, 9, 3};
  map.layers.push_back(PlacementMethod::parse("eplb").place({load, {.ranks = 2, .slots = 4}}));
  const auto json = Json::parse(write_eplb_json(map), "written");
  EXPECT_EQ(json.at("physical_to_logical_map").dump(), "[[1,0,1,2]]");
  EXPECT_EQ(json.at("logical_to_physical_map").dump(), "[[[1,-1],[0,2],[3,-1]]]");
  EXPECT_EQ(json.at("expert_count").dump(), "[[1,2,1]]");
}

TEST(ExpertMapTest, SglangJsonHasOneKeyAndARowForEveryModelLayer) {
  const auto map = eplb_map({2});
  const auto json = Json::parse(write_sglang_json(map), "written");
  EXPECT_EQ(json.as_object().size(), 1U);
  const auto& rows = json.at("physical_to_logical_map").as_array();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].as_array()[17].as_integer(), 1);  // dense layer: slot 17 holds 17 mod 16
  EXPECT_EQ(rows[2].as_array()[0].as_integer(), experts(map.layers[0])[0]);
}

TEST(ExpertMapTest, WritesTensorRtLlmYamlAsItsGeneratorDoes) {
  ExpertMap map;
  const std::vector<double> load = {3, 9, 3};
  for (const int id : {3, 7}) {
    map.layer_ids.push_back(id);
    map.layers.push_back(PlacementMethod::parse("eplb").place({load, {.ranks = 2, .slots = 4}}));
  }
  EXPECT_EQ(write_trtllm_yaml(map),
            "initial_global_assignments:\n"
            "  3: [1, 0, 1, 2]\n"
            "  7: [1, 0, 1, 2]\n"
            "num_slots: 4\n"
            "layer_updates_per_iter: 0\n");
}

TEST(ExpertMapTest, ReadsYamlListsOverLinesWithDashesAndComments) {
  const auto map = read_trtllm_yaml(
      "# static map\n"
      "layer_updates_per_iter: 0\n"
      "initial_global_assignments:\n"
      "  5: [0, 1,   # first line\n"
      "      2, 0]\n"
      "  4:\n"
      "  - 2\n"
      "  - 1\n"
      "  - 0\n"
      "  - 1\n"
      "num_slots: 4\n",
      "map", 2);
  EXPECT_EQ(map.layer_ids, (std::vector<int>{4, 5}));
  EXPECT_EQ(experts(map.layers[0]), (std::vector<int>{2, 1, 0, 1}));
  EXPECT_EQ(experts(map.layers[1]), (std::vector<int>{0, 1, 2, 0}));
}

TEST(ExpertMapTest, SaysWhatIsWrongWithAYamlMap) {
  const auto& yaml = format("trtllm-yaml");
  const std::string head = "initial_global_assignments:\n";
  EXPECT_EQ(message_of(yaml, "num_slots: 4\n"), "map: no layers under initial_global_assignments");
  EXPECT_EQ(message_of(yaml, head + "  3: [0, x]\n"), "map:2: 'x' is not an expert (0 to 32766)");
  EXPECT_EQ(message_of(yaml, head + "  3: [0, 1\n"),
            "map:2: the list has no closing ']': '3: [0, 1'");
  EXPECT_EQ(message_of(yaml, head + "  3: [0, 1, 3, 3]\n"), "map: layer 3: expert 2 has no slot");
  EXPECT_EQ(message_of(yaml, head + "  3: [0, 1, 2]\n"),
            "map: layer 3: 2 ranks do not divide 3 slots");
  EXPECT_EQ(message_of(yaml, head + "  3: [0, 1]\n  3: [0, 1]\n"), "map: layer 3 is there twice");
  EXPECT_EQ(message_of(yaml, head + "  3: [0, 1]\nnum_slots: 4\n"),
            "map: layer 3 lists 2 slots, num_slots says 4");
  EXPECT_EQ(message_of(yaml, "just text\n"), "map:1: expected 'key: value': 'just text'");
}

TEST(ExpertMapTest, SaysWhatIsWrongWithAJsonMap) {
  const auto& json = format("eplb-json");
  EXPECT_EQ(message_of(json, R"({"physical_to_logical_map": [[0, -1]]})"),
            "map: layer 0: slot 1 holds expert -1, outside 0 to 0");
  EXPECT_EQ(message_of(json, R"({"physical_to_logical_map": []})"),
            "map: physical_to_logical_map names no experts in 0 to 32766");
  EXPECT_EQ(message_of(json, R"({"physical_to_logical_map": [[0, 1]],
                                 "logical_to_physical_map": [[[1], [0]]]})"),
            "map: layer 0: logical_to_physical_map puts expert 0 in slot 1, which "
            "physical_to_logical_map does not");
  EXPECT_EQ(message_of(json, R"({"physical_to_logical_map": [[0, 0]],
                                 "logical_to_physical_map": [[[0, -1]]]})"),
            "map: layer 0: logical_to_physical_map names 1 of 2 slots");
  EXPECT_EQ(
      message_of(json, R"({"physical_to_logical_map": [[0, 1], [1, 0]], "layer_ids": [4, 4]})"),
      "map: layer_ids do not rise from 0 or more");
  EXPECT_THROW((void)json.read("{}", "map", 2), InputError);
}

TEST(ExpertMapTest, RefusesToWriteUnequalRanks) {
  const std::vector<double> load(7, 1.0);
  ExpertMap map;
  map.layer_ids = {0};
  map.layers.push_back(PlacementMethod::parse("contiguous").place({load, {.ranks = 2}}));
  for (const auto& row : expert_map_formats()) EXPECT_THROW((void)row.write(map), UsageError);
}

}  // namespace
}  // namespace hotexpert
