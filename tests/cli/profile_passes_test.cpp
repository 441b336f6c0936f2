#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "sim/base/json.hpp"
#include "tests/profiler/trace_schema.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

/// A layer that is computed in some milliseconds, with one expert that has most rows.
std::vector<std::string> small(std::vector<std::string> more) {
  std::vector<std::string> command = {"profile",           "scenarios/quickstart.toml",
                                      "--layer.d_model",   "64",
                                      "--layer.d_ff",      "64",
                                      "--layer.experts",   "8",
                                      "--layer.top_k",     "1",
                                      "--step.tokens",     "1024",
                                      "--step.count",      "2",
                                      "--skew.model",      "hot:share=0.8",
                                      "--skew.target",     "none",
                                      "--capacity.factor", "none",
                                      "--threads",         "1",
                                      "--kernel",          "grouped"};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

Json json_of(const std::vector<std::string>& command) {
  const auto result = run_hotexpert(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return Json::parse(result.out, "stdout");
}

Json file_json(const std::string& path) {
  std::ifstream in(path);
  return Json::parse(std::string(std::istreambuf_iterator<char>(in), {}), path);
}

double sum_of(const Json& rows) {
  double sum = 0;
  for (const auto& row : rows.as_array()) sum += row.at("seconds").as_double();
  return sum;
}

TEST(ProfilePassesTest, TheBackwardPassHasATimelineThatAddsUpToWhatWasMeasured) {
  const std::string path = fresh_folder("backward") + ".json";
  const Json found = json_of(small({"--layer.pass", "backward", "--trace", path, "--json"}));
  EXPECT_NEAR(sum_of(found.at("rows")), found.at("difference_s").as_double(), 1e-9);
  std::map<std::string, double> span_s;
  for (const auto& pass : found.at("timeline").at("passes").as_array()) {
    EXPECT_GT(pass.at("tiles").as_integer(), pass.at("pass").as_string() == "wgrad sums" ? -1 : 0);
    span_s[pass.at("pass").as_string()] = pass.at("span_s").as_double();
  }
  const auto& timeline = found.at("timeline");
  EXPECT_LE(span_s["dgrad"], timeline.at("dgrad_s").as_double());
  EXPECT_LE(span_s["wgrad"], timeline.at("wgrad_s").as_double());

  const Json trace = file_json(path);
  EXPECT_THAT(trace_schema_faults(trace), testing::IsEmpty());
  std::map<std::string, double> phase_us;
  double tiles_us = 0;
  std::map<double, int> inner_rows;  // of wgrad's tiles: ragged
  for (const auto& event : trace.at("traceEvents").as_array()) {
    if (event.at("ph").as_string() != "X") continue;
    const double us = event.at("dur").as_double();
    if (event.at("cat").as_string() == "phase") phase_us[event.at("name").as_string()] += us;
    if (event.at("cat").as_string() != "tile") continue;
    tiles_us += us;
    const auto& details = event.at("args");
    if (details.at("pass").as_string() != "wgrad") continue;
    EXPECT_THAT(event.at("name").as_string(), HasSubstr(", wgrad"));
    ++inner_rows[details.at("token_rows").as_double()];
  }
  // The file holds the time that was measured.
  EXPECT_NEAR(phase_us["dgrad"], 1e6 * timeline.at("dgrad_s").as_double(),
              0.01 * phase_us["dgrad"]);
  EXPECT_NEAR(phase_us["wgrad"], 1e6 * timeline.at("wgrad_s").as_double(),
              0.01 * phase_us["wgrad"]);
  EXPECT_NEAR(tiles_us, 1e6 * timeline.at("busy_s").as_double(), 0.01 * tiles_us);
  double phases_us = 0;
  for (const auto& [phase, us] : phase_us) phases_us += us;
  EXPECT_LE(phases_us, 1e6 * timeline.at("total_s").as_double());
  ASSERT_GT(inner_rows.size(), 1U);
  EXPECT_GE(inner_rows.rbegin()->first, 0.7 * 1024)
      << "the hot expert's rows are its inner dimension";
  fs::remove(path);
}

TEST(ProfilePassesTest, ATrainingPassShowsForwardAndBackward) {
  const std::string run = fresh_folder("training-profile");
  const auto result = run_hotexpert(small({"--layer.pass", "training", "-o", run}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* pass : {"forward", "dgrad", "wgrad"}) EXPECT_THAT(result.out, HasSubstr(pass));
  const auto report = run_hotexpert({"report", run, "-o", run + ".md"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  std::ifstream in(run + ".md");
  const std::string page(std::istreambuf_iterator<char>(in), {});
  EXPECT_THAT(page, HasSubstr("| forward |")) << "the table of tiles names their passes";
}

TEST(ProfilePassesTest, RanksAreProfiledOneAfterAnotherAndWaitForTheHotOne) {
  const std::string path = fresh_folder("ranks") + ".json";
  const std::string run = fresh_folder("ranks-profile");
  const Json found = json_of(small({"--ep.ranks", "4", "--placement.method", "contiguous",
                                    "--trace", path, "-o", run, "--json"}));
  EXPECT_NEAR(sum_of(found.at("rows")), found.at("difference_s").as_double(), 1e-9);
  ASSERT_EQ(found.at("ranks").as_array().size(), 4U);
  std::size_t hottest = 0;
  std::int64_t rows = 0;
  const auto& ranks = found.at("ranks").as_array();
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    rows += ranks[rank].at("rows").as_integer();
    if (ranks[rank].at("rows").as_integer() > ranks[hottest].at("rows").as_integer())
      hottest = rank;
    EXPECT_NEAR(ranks[rank].at("wait_s").as_double() + ranks[rank].at("total_s").as_double() +
                    ranks[rank].at("dispatch_s").as_double() +
                    ranks[rank].at("return_s").as_double(),
                found.at("step_s").as_double(), 1e-9);
  }
  EXPECT_EQ(rows, 1024);
  EXPECT_GT(ranks[hottest].at("rows").as_integer(), 700) << "the hot experts' rank";
  // Which rank the others waited for is this machine's to say; RankLedgerTest decides the time.
  const auto straggler = found.at("straggler").as_integer();
  for (const auto& rank : ranks) {
    EXPECT_GE(rank.at("wait_s").as_double(), -1e-12);
    EXPECT_LE(rank.at("total_s").as_double(),
              ranks[static_cast<std::size_t>(straggler)].at("total_s").as_double());
  }

  const Json trace = file_json(path);
  EXPECT_THAT(trace_schema_faults(trace), testing::IsEmpty());
  std::map<std::int64_t, int> tiles;  // by process
  std::map<std::string, int> arrows;
  for (const auto& event : trace.at("traceEvents").as_array()) {
    if (event.at("ph").as_string() == "s") ++arrows[event.at("name").as_string()];
    if (event.at("ph").as_string() == "X" && event.at("cat").as_string() == "tile")
      ++tiles[event.at("pid").as_integer()];
  }
  EXPECT_EQ(tiles.size(), 4U);
  EXPECT_EQ(arrows["dispatch to combine"], 4);
  EXPECT_LE(arrows["wait for rank " + std::to_string(straggler)], 3);
  const auto report = run_hotexpert({"report", run, "-o", run + ".perfetto.json"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  fs::remove(path);
}

TEST(ProfilePassesTest, RanksThatCannotBeShownAreRefused) {
  const auto refused = [](std::vector<std::string> more, const char* text) {
    const auto result = run_hotexpert(small(std::move(more)));
    EXPECT_EQ(result.exit_code, 2) << result.out;
    EXPECT_THAT(result.err, HasSubstr(text));
  };
  refused({"--ep.ranks", "2", "--ep.exec", "mpi"}, "set --ep.exec virtual");
  refused({"--ep.ranks", "2", "--layer.pass", "training"}, "is profiled on one rank");
  refused({"--ep.ranks", "2", "--ep.speeds", "1=0.5"}, "set --ep.speeds none");
}

}  // namespace
}  // namespace hotexpert
