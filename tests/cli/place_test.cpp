#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sim/base/json.hpp"
#include "tests/sim/placement/placement_instances.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using ::testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string write_file(const std::string& name, const std::string& text) {
  const std::string path = fresh_folder(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

/// {"logical_count": [58][256]} of Zipf 0.8 loads.
std::string deepseek_loads() {
  Json layers = Json::array();
  for (std::uint32_t layer = 0; layer < 58; ++layer) {
    layers.push(Json::array_of(testing::zipf_loads(256, 0.8, 8, layer)));
  }
  return write_file("loads.json", Json::object().set("logical_count", std::move(layers)).dump());
}

/// {"logical_count": [steps][1][16]}, expert `step / period` the hottest.
std::string stepped_loads(int steps, int period) {
  Json all = Json::array();
  for (int step = 0; step < steps; ++step) {
    std::vector<std::int64_t> rows(16, 100 + step % 3);
    rows[static_cast<std::size_t>(period == 0 ? 0 : step / period * 5 % 16)] = 1500;
    all.push(Json::array().push(Json::array_of(rows)));
  }
  return write_file("steps.json", Json::object().set("logical_count", std::move(all)).dump());
}

TEST(PlaceTest, PlacesTheLayersOfALoadFileWithTheirCertificates) {
  const auto result = run_hotexpert({"place", deepseek_loads(), "--placement.method", "eplb",
                                     "--placement.slots", "288", "--placement.groups", "8",
                                     "--ep.nodes", "4", "--ep.ranks", "32", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "place");
  EXPECT_GT(json.at("seconds").as_double(), 0.0);
  const auto& rows = json.at("rows").as_array();
  ASSERT_EQ(rows.size(), 58U);
  for (const auto& row : rows) {
    const auto& slots = row.at("physical_to_logical").as_array();
    const auto& count = row.at("expert_count").as_array();
    const auto& rank_load = row.at("rank_load").as_array();
    ASSERT_EQ(slots.size(), 288U);
    ASSERT_EQ(count.size(), 256U);
    ASSERT_EQ(rank_load.size(), 32U);
    std::vector<std::int64_t> copies(256, 0);
    for (const auto& slot : slots) ++copies[static_cast<std::size_t>(slot.as_integer())];
    double total = 0;
    double hottest = 0;
    for (std::size_t e = 0; e < copies.size(); ++e) {
      EXPECT_EQ(count[e].as_integer(), copies[e]);
    }
    for (const auto& load : rank_load) {
      total += load.as_double();
      hottest = std::max(hottest, load.as_double());
    }
    EXPECT_NEAR(row.at("rank.max_over_mean").as_double(), hottest * 32 / total, 1e-9);
    EXPECT_GE(row.at("place.lower_bound_ratio").as_double(), 1.0);
    EXPECT_NEAR(row.at("place.lower_bound_ratio").as_double(),
                hottest / row.at("lower_bound").as_double(), 1e-9);
  }
}

TEST(PlaceTest, ReproducesTheEplbReferencesThroughTheCommandLine) {
  for (const char* name : {"readme-example.json", "uniform-4x64-72-replicas-2-nodes-8-gpus.json"}) {
    const std::string path = std::string(HOTEXPERT_SOURCE_DIR) + "/../shared/eplb/" + name;
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
    const Json reference = Json::parse(read_file(path), path);
    const auto param = [&](const char* key) {
      return std::to_string(reference.at("params").at(key).as_integer());
    };
    const auto loads = write_file(
        "loads.json", Json::object().set("logical_count", reference.at("weight")).dump());
    const std::string map = fresh_folder("map.json");
    const auto result =
        run_hotexpert({"place", loads, "--placement.slots", param("num_replicas"),
                       "--placement.groups", param("num_groups"), "--ep.nodes", param("num_nodes"),
                       "--ep.ranks", param("num_gpus"), "--write-map", map});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Json written = Json::parse(read_file(map), map);
    for (const char* tensor :
         {"physical_to_logical_map", "logical_to_physical_map", "expert_count"}) {
      EXPECT_EQ(written.at(tensor), reference.at(tensor)) << name << " " << tensor;
    }
  }
}

TEST(PlaceTest, ScoresAnExpertMapThatItWrote) {
  const std::string loads = deepseek_loads();
  const std::string map = fresh_folder("map.yaml");
  const std::vector<std::string> ranks = {"--ep.ranks", "32", "--ep.nodes", "4", "--csv"};
  auto place = std::vector<std::string>{"place",       loads, "--placement.slots", "288",
                                        "--write-map", map,   "--first-layer",     "3"};
  place.insert(place.end(), ranks.begin(), ranks.end());
  const auto written = run_hotexpert(place);
  ASSERT_EQ(written.exit_code, 0) << written.err;
  EXPECT_THAT(read_file(map), ::testing::StartsWith("initial_global_assignments:\n  3: ["));
  auto score = std::vector<std::string>{"place", loads, "--read-map", map};
  score.insert(score.end(), ranks.begin(), ranks.end());
  EXPECT_EQ(run_hotexpert(score).out, written.out);
}

TEST(PlaceTest, ReadsLoadsThatAreNotWholeNumbers) {
  const auto loads = write_file("loads.json", R"({"logical_count": [[0.5, 1.5, 1, 1]]})");
  const auto result = run_hotexpert({"place", loads, "--ep.ranks", "2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out, "place").at("rows").as_array()[0].at("rank_load").dump(),
            "[2,2]");
  EXPECT_EQ(run_hotexpert({"place", loads, "--ep.ranks", "2", "--verdict"}).exit_code, 2);
}

TEST(PlaceTest, GivesAVerdictWithReasons) {
  const std::vector<std::string> options = {
      "--ep.ranks",        "4", "--placement.slots", "20",   "--verdict", "--verdict.row_s", "1e-6",
      "--verdict.floor_s", "0", "--verdict.pause_s", "1e-3", "--json"};
  const auto verdict_of = [&](const std::string& loads) {
    std::vector<std::string> args = {"place", loads};
    args.insert(args.end(), options.begin(), options.end());
    const auto result = run_hotexpert(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out, "verdict");
  };
  const Json stable = verdict_of(stepped_loads(200, 0));
  EXPECT_EQ(stable.at("verdict").as_string(), "enable") << stable.dump(1);
  const Json rotating = verdict_of(stepped_loads(200, 3));
  EXPECT_EQ(rotating.at("verdict").as_string(), "do not") << rotating.dump(1);
  EXPECT_GE(rotating.at("reasons").as_array().size(), 4U);
  // The verdict is a run that reports draw, charges and all.
  const std::string dir = fresh_folder("verdict-run");
  std::vector<std::string> written = {"place", stepped_loads(200, 3)};
  written.insert(written.end(), options.begin(), options.end());
  written.insert(written.end(), {"-o", dir});
  ASSERT_EQ(run_hotexpert(written).exit_code, 0);
  const auto report = run_hotexpert({"report", dir, "-o", dir + "/x.md"});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out + report.err, HasSubstr("Rebalance? do not"));
  const Json brief = verdict_of(stepped_loads(5, 0));
  EXPECT_EQ(brief.at("verdict").as_string(), "not enough evidence");
}

TEST(PlaceTest, ReadsATokenTrace) {
  const std::string trace =
      std::string(HOTEXPERT_SOURCE_DIR) + "/../shared/traces/gpt-oss-20b/topk_ids_u8.npy";
  if (!std::filesystem::exists(trace)) GTEST_SKIP() << trace << " is not here";
  const auto result = run_hotexpert({"place", trace, "--layer.experts", "32", "--placement.slots",
                                     "40", "--placement.method", "refine", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "place");
  for (const auto& row : json.at("rows").as_array()) {
    EXPECT_LT(row.at("place.lower_bound_ratio").as_double(), 1.2);
  }
}

TEST(PlaceTest, NamesTheFirstStepThatDoesNotFit) {
  // Two Mixtral experts a rank weigh 0.66 GiB; a million rows in step 2 need 80 GiB more.
  const std::string loads = write_file(
      "loads.json",
      R"({"logical_count": [[[10, 10, 10, 10]], [[20, 0, 10, 10]], [[1000000, 0, 1, 1]]]})");
  const std::vector<std::string> args = {
      "place", loads,    "--placement.method", "contiguous",   "--ep.ranks",
      "2",     "--json", "--layer.preset",     "mixtral-8x7b", "--memory.limit_gib"};
  const auto memory_of = [&](const char* limit) {
    auto with_limit = args;
    with_limit.emplace_back(limit);
    const auto result = run_hotexpert(with_limit);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out, "place").at("memory");
  };
  const Json memory = memory_of("10");
  EXPECT_EQ(memory.at("first_step_over").as_integer(), 2);
  EXPECT_EQ(memory.at("first_training_step_over").as_integer(), 2);
  EXPECT_EQ(memory.at("held_bytes").as_double(), 2 * 3 * 4096.0 * 14336 * 2);
  const Json& layer = memory.at("layers").as_array().front();
  EXPECT_GT(layer.at("rank.peak_bytes").as_double(), 80e9);
  EXPECT_GT(layer.at("rank.peak_training_bytes").as_double(),
            layer.at("rank.peak_bytes").as_double());
  EXPECT_TRUE(memory_of("1000").at("first_step_over").is_null());
  EXPECT_EQ(memory_of("1").at("first_training_step_over").as_integer(), 0);
}

struct BadPlace {
  std::string text;
  std::vector<std::string> options;
  int exit_code;
  std::string message;
};

TEST(PlaceTest, SaysWhatIsWrongInOneSentence) {
  const std::string good = R"({"logical_count": [[1, 2, 3, 4]]})";
  const std::vector<BadPlace> cases = {
      {good, {"--ep.ranks", "2", "--placement.slots", "5"}, 2, "use 6"},
      {good, {"--ep.ranks", "5"}, 2, "ep.ranks: 5 ranks cannot each hold one of 4 slots"},
      {good, {"--ep.ranks", "2", "--placement.slots", "3"}, 2, "placement.slots: 3 slots"},
      {good, {"--ep.ranks", "2", "--placement.method", "ebpl"}, 2, "did you mean 'eplb'?"},
      {good, {"--ep.ranks", "two"}, 2, "ep.ranks: 'two' is not a whole number"},
      {good, {"--ep.ranks", "2", "--ep.speeds", "1"}, 2, "ep.speeds: 1 factors for 2 ranks"},
      {good, {"--ep.ranks", "2", "--read-map", "no-map.json"}, 3, "no-map.json: cannot be opened"},
      {good, {"--ep.ranks", "2", "--write-map", "/no/folder/map.json"}, 5, "make its folder first"},
      {R"({"logical_count": [[1, -2]]})", {"--ep.ranks", "2"}, 3, "expert 1 has -2 rows"},
      {R"({"logical_count": [[1, 2], [3]]})", {"--ep.ranks", "2"}, 3, "layer 1 has 1 experts"},
      {R"({"logical_count": []})", {"--ep.ranks", "2"}, 3, "logical_count is empty"},
      {R"({"logical_count": [[1, 2)", {"--ep.ranks", "2"}, 3, "loads.json"},
  };
  for (const auto& bad : cases) {
    std::vector<std::string> args = {"place", write_file("loads.json", bad.text)};
    args.insert(args.end(), bad.options.begin(), bad.options.end());
    const auto result = run_hotexpert(args);
    EXPECT_EQ(result.exit_code, bad.exit_code) << bad.text << " " << result.err;
    EXPECT_THAT(result.err, HasSubstr(bad.message));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

}  // namespace
}  // namespace hotexpert
