#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

Json output_of(const std::vector<std::string>& args) {
  const auto result = run_hotexpert(args);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return Json::parse(result.out, "stdout");
}

std::string write(const std::string& name, const std::string& text) {
  const std::string path = fresh_folder(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

/// A small bursty trace, 3,000 tokens in 2 layers.
std::string made_trace() {
  const std::string path = fresh_folder("made.safetensors");
  const auto result =
      run_hotexpert({"trace", "gen", "--skew.model", "bursty:run=40:base=0.5", "--layer.experts",
                     "16", "--layer.top_k", "2", "--step.tokens", "1000", "--step.count", "3",
                     "--skew.layers", "2", "-o", path});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return path;
}

TEST(TraceAnatomyTest, SharesOfEveryLayerSumToAHundredAndNameTheirLever) {
  const Json rows =
      output_of({"trace", "anatomy", made_trace(), "--step.tokens", "100", "--json"}).at("rows");
  ASSERT_EQ(rows.as_array().size(), 3U * 7U);  // all, layer 0, layer 1: 4 parts, sum, 2 beside it
  double sum = 0;
  int levers = 0;
  for (const auto& row : rows.as_array()) {
    levers += row.find("lever") != nullptr;
    if (row.at("part").as_string() != "sum") {
      if (row.find("share_percent") != nullptr) sum += row.at("share_percent").as_double();
      continue;
    }
    EXPECT_NEAR(sum, 100.0, 1e-9);
    EXPECT_NEAR(row.at("share_percent").as_double(), 100.0, 1e-9);
    sum = 0;
  }
  EXPECT_EQ(levers, 3 * 6);
  const auto text = run_hotexpert({"trace", "anatomy", made_trace(), "--step.tokens", "100"});
  EXPECT_THAT(text.out, HasSubstr("a larger batch; nothing else"));
  EXPECT_THAT(text.out, HasSubstr("coactivation"));
  EXPECT_THAT(run_hotexpert({"trace", "anatomy", made_trace(), "--step.tokens", "3000"}).err,
              HasSubstr("at least two steps"));
}

TEST(TraceAnatomyTest, CountsAreTakenApartAsFarAsTheyTell) {
  const std::string counts = fresh_folder("counts.json");
  std::ofstream(counts) << R"({"logical_count": [[[4, 0], [2, 2]], [[3, 1], [2, 2]]]})";
  const Json rows =
      output_of({"trace", "anatomy", counts, "--layer.top_k", "1", "--json"}).at("rows");
  ASSERT_EQ(rows.as_array().size(), 3U * 7U);
  for (const auto& row : rows.as_array()) {
    if (row.at("part").as_string() != "coactivation") continue;
    EXPECT_EQ(row.at("ratio").as_string(), "needs ids");
  }
  const auto without_k = run_hotexpert({"trace", "anatomy", counts});
  EXPECT_EQ(without_k.exit_code, 2);
  EXPECT_THAT(without_k.err, HasSubstr("--layer.top_k"));
}

TEST(TraceTwinTest, WritesATraceAndPrintsItsFidelityBesideTheIidTwin) {
  const std::string twin = fresh_folder("twin.safetensors");
  const Json out =
      output_of({"trace", "twin", made_trace(), "-o", twin, "--step.tokens", "100,500", "--json"});
  int orders = 0;
  for (const auto& row : out.at("rows").as_array()) {
    if (row.at("metric").as_string() != "cv") continue;
    orders += row.at("trace.order").as_string() == "recorded" ? 1 : 100;
    EXPECT_GT(row.at("original").as_double(), 0);
    EXPECT_GT(row.at("twin").as_double(), 0);
    EXPECT_GT(row.at("iid").as_double(), 0);
  }
  EXPECT_EQ(orders, 202);
  const Json info = output_of({"trace", "info", twin, "--step.tokens", "100", "--json"});
  EXPECT_EQ(info.at("tokens").as_integer(), 3000);
  EXPECT_EQ(info.at("layer.experts").as_integer(), 16);
}

TEST(TraceExportTest, EveryFormatIsReadBackAsTheSameTrace) {
  const std::string made = made_trace();
  const Json rows = output_of({"trace", "info", made, "--step.tokens", "100", "--json"}).at("rows");
  for (const std::string extension : {".npy", ".npz", ".safetensors", ".csv", ".jsonl"}) {
    const std::string path = fresh_folder("topk_ids") + extension;
    const auto result = run_hotexpert({"trace", "export", made, "-o", path});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(output_of({"trace", "info", path, "--layer.experts", "16", "--step.tokens", "100",
                         "--json"})
                  .at("rows"),
              rows)
        << extension;
  }
  EXPECT_EQ(run_hotexpert({"trace", "export", made, "-o", fresh_folder("ids") + ".npy"}).exit_code,
            2)
      << "its weights need a file called topk_ids*";
  const std::string counts = fresh_folder("counts.json");
  ASSERT_EQ(
      run_hotexpert({"trace", "export", made, "-o", counts, "--step.tokens", "100"}).exit_code, 0);
  const Json loads = output_of({"trace", "info", counts, "--json"});
  EXPECT_EQ(loads.at("steps").as_integer(), 30);
  EXPECT_EQ(loads.at("rows").as_array().back().at("load.cv"), rows.as_array().back().at("load.cv"));
  EXPECT_EQ(run_hotexpert({"trace", "export", made, "-o", "a.txt"}).exit_code, 2);
}

const char* const kBadJsonl =
    "{\"topk_ids\":[0,1]}\n{\"topk_ids\":[2,2]}\n{\"topk_ids\":[1,2]}\n{\"topk_ids\":[2,0]}\n";

TEST(TraceCheckTest, OnBadCountsWhatItDid) {
  const std::string bad = write("bad.jsonl", kBadJsonl);
  const std::string out = fresh_folder("out.safetensors");
  EXPECT_EQ(run_hotexpert({"trace", "import", bad, "-o", out}).exit_code, 3);
  const auto dropped = run_hotexpert({"trace", "import", bad, "-o", out, "--on-bad", "drop"});
  EXPECT_EQ(dropped.exit_code, 0);
  EXPECT_THAT(dropped.err, HasSubstr("1 tokens with such ids were left out"));
  EXPECT_THAT(run_hotexpert({"trace", "import", bad, "-o", out, "--on-bad", "keep"}).err,
              HasSubstr("1 tokens with such ids were kept"));
  const auto info = run_hotexpert({"trace", "info", bad, "--step.tokens", "2"});
  EXPECT_THAT(info.out, HasSubstr("duplicate_experts"));
  EXPECT_THAT(info.out, HasSubstr("error"));
  EXPECT_THAT(info.out, HasSubstr("kept_bad_tokens"));
}

TEST(TraceScenarioTest, PointsReplayAnyImportableFormatAndTheReportShowsItsChecks) {
  const std::string bad = write("bad2.jsonl", kBadJsonl);
  const std::string dir = fresh_folder("run");
  const std::string scenario = write("any.toml", "title = \"any\"\n");
  const std::vector<std::string> sweep = {
      "sweep", scenario, "--trace.file", bad, "--step.tokens", "2", "--backend", "none", "-o", dir};
  EXPECT_EQ(run_hotexpert(sweep).exit_code, 3);
  auto keep = sweep;
  keep.insert(keep.end(), {"--trace.on_bad", "keep"});
  const auto swept = run_hotexpert(keep);
  ASSERT_EQ(swept.exit_code, 0) << swept.err;
  std::ifstream points(dir + "/points.jsonl");
  const std::string line((std::istreambuf_iterator<char>(points)), {});
  EXPECT_THAT(line, HasSubstr("Trace check duplicate_experts (error): 1 (token, layer) pairs"));
  for (const std::string name : {"report.html", "report.md"}) {
    const std::string page = dir + "-" + name;
    ASSERT_EQ(run_hotexpert({"report", dir, "-o", page}).exit_code, 0);
    std::ifstream in(page);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    EXPECT_THAT(text, HasSubstr("Recorded traces")) << name;
    EXPECT_THAT(text, HasSubstr(name == "report.md" ? "kept\\_bad\\_tokens" : "kept_bad_tokens"));
  }
}

TEST(TraceScenarioTest, AxesWeightsAndSentinelsOfPlainArraysAreAxesOfAScenario) {
  // uint8 [layer 1][token 4][slot 2], 255 = absent.
  const std::string header =
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 4, 2), }                        \n";
  std::string npy("\x93NUMPY\x01\x00", 8);
  npy += static_cast<char>(header.size());
  npy += '\0';
  npy += header + std::string("\x00\x01\x02\xff\x01\x02\x02\x00", 8);
  const std::string path = write("lts.npy", npy);
  const std::string scenario = write("any.toml", "title = \"any\"\n");
  const Json rows = output_of({"plan", scenario, "--trace.file", path, "--trace.axes",
                               "layer-token-slot", "--trace.absent", "255", "--trace.weights",
                               "none", "--layer.experts", "3", "--step.tokens", "4", "--json"})
                        .at("rows");
  ASSERT_EQ(rows.as_array().size(), 1U);
  EXPECT_NEAR(rows.as_array()[0].at("load.max_over_mean").as_double(), 3.0 / (7.0 / 3.0), 1e-12);
  EXPECT_EQ(run_hotexpert({"plan", scenario, "--trace.file", path, "--layer.experts", "3",
                           "--step.tokens", "1"})
                .exit_code,
            3);
}

}  // namespace
}  // namespace hotexpert
