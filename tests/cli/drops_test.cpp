#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

const std::string kTrace = "../shared/traces/gpt-oss-20b/topk_ids_u8.npy";

bool has_recorded_trace() {
  return std::filesystem::exists(std::string(HOTEXPERT_SOURCE_DIR) + "/" + kTrace);
}

Json json_of(const std::vector<std::string>& args) {
  const auto result = run_hotexpert(args);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return Json::parse(result.out, "stdout");
}

TEST(DropsTranslateTest, AFactorIsSaidInEveryOtherRule) {
  const std::vector<std::string> args = {
      "drops",         "--translate", "--capacity.factor", "1.25", "--layer.experts", "64",
      "--layer.top_k", "2",           "--step.tokens",     "1000"};
  const auto said = run_hotexpert(args);
  ASSERT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("CF 1.25 in megatron is 1.25 in tutel here (40 rows)\n"));
  EXPECT_THAT(said.out, HasSubstr("CF 1.25 in megatron is 2.56 in gshard here (40 rows)\n"));
  EXPECT_THAT(said.out, HasSubstr("rule 'switch'"));

  auto as_json = args;
  as_json.emplace_back("--json");
  const Json rows = json_of(as_json).at("rows");
  ASSERT_EQ(rows.as_array().size(), 10U);
  for (const auto& row : rows.as_array()) {
    EXPECT_EQ(row.at("from.rule").as_string(), "megatron");
    if (row.at("capacity.rule").as_string() != "gshard") continue;
    EXPECT_EQ(row.at("capacity.factor").as_double(), 2.56);
    EXPECT_EQ(row.at("capacity").as_integer(), 40);
  }
}

TEST(DropsAnswerTest, TheAnsweredFactorKeepsThePromiseAndTheNextLowerOneDoesNot) {
  const std::vector<std::string> trace = {"drops",
                                          "--skew.model",
                                          "zipf:exponent=0.6",
                                          "--layer.experts",
                                          "32",
                                          "--layer.top_k",
                                          "4",
                                          "--step.tokens",
                                          "512",
                                          "--step.count",
                                          "40",
                                          "--skew.layers",
                                          "3",
                                          "--json"};
  auto asking = trace;
  asking.insert(asking.end(), {"--max-drop", "5%", "--in-steps", "90%"});
  const Json answers = json_of(asking).at("rows");
  ASSERT_EQ(answers.as_array().size(), 4U) << "all layers together, then each";
  EXPECT_EQ(answers.as_array()[0].at("trace.layer").as_string(), "all");
  for (const auto& answer : answers.as_array()) {
    auto counting = trace;
    const auto capacity = answer.at("capacity").as_integer();
    EXPECT_EQ(answer.at("rows.padded").as_double(), static_cast<double>(32 * capacity));
    const double below = static_cast<double>(capacity - 1) / 64;  // one row less an expert
    counting.insert(counting.end(),
                    {"--capacity.factor",
                     shortest(answer.at("capacity.factor").as_double()) + "," + shortest(below)});
    if (answer.at("trace.layer").is_number()) {
      counting.insert(counting.end(),
                      {"--trace.layer", std::to_string(answer.at("trace.layer").as_integer())});
    }
    const Json rows = json_of(counting).at("rows");
    ASSERT_EQ(rows.as_array()[0].at("capacity").as_integer(), capacity);
    EXPECT_NEAR(rows.as_array()[0].at("drop.assignment_fraction").as_double(),
                answer.at("drop.assignment_fraction").as_double(), 1e-12);
    EXPECT_LE(rows.as_array()[0].at("p50").as_double(), 0.05);
  }
}

TEST(DropsSpectrumTest, EveryFactorIsALookupInTheSpectrum) {
  const std::vector<std::string> trace = {"drops",         "--skew.model", "zipf",
                                          "--step.tokens", "512",          "--json"};
  auto whole = trace;
  whole.emplace_back("--spectrum");
  const Json spectrum = json_of(whole);
  const auto& curve = spectrum.at("curve").as_array();
  auto some = trace;
  some.insert(some.end(), {"--capacity.factor", "0.5,1,1.25,1.5,2,3"});
  const Json looked = json_of(some).at("rows");
  for (const auto& row : looked.as_array()) {
    const auto capacity = static_cast<std::size_t>(row.at("capacity").as_integer());
    const double looked_up = capacity < curve.size() ? curve[capacity].as_double() : 0;
    EXPECT_NEAR(row.at("drop.assignment_fraction").as_double(), looked_up, 1e-12);
  }
  EXPECT_EQ(curve.front().as_double(), 1.0);
  EXPECT_EQ(curve.back().as_double(), 0.0);
}

/// The largest resident memory of any child of this process so far, in MiB.
double children_peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

TEST(DropsMemoryTest, DoesNotGrowWithTheNumberOfSteps) {
  // 512 assignments a step: what is kept of a step would show after 20,000 of them. With
  // HOTEXPERT_LARGE_TESTS set, 10^9 assignments.
  const bool large = std::getenv("HOTEXPERT_LARGE_TESTS") != nullptr;
  const auto peak = [](const std::string& steps) {
    const auto result = run_hotexpert({"drops", "--skew.model", "zipf", "--layer.experts", "64",
                                       "--layer.top_k", "8", "--step.tokens", "64", "--step.count",
                                       steps, "--max-drop", "1%", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return children_peak_mib();
  };
  const double few = peak("200");
  EXPECT_LT(peak(large ? "1953125" : "20000"), few + 4);
}

TEST(DropsRunTest, ARunFolderIsWrittenAndDrawn) {
  const std::string dir = fresh_folder("run");
  const auto result = run_hotexpert({"drops",
                                     "--skew.model",
                                     "zipf",
                                     "--step.tokens",
                                     "256",
                                     "--skew.layers",
                                     "3",
                                     "--capacity.factor",
                                     "1,1.5",
                                     "--capacity.rule",
                                     "megatron,tutel",
                                     "--capacity.policy",
                                     "position,probs",
                                     "--max-drop",
                                     "1%",
                                     "--ep.ranks",
                                     "2",
                                     "-o",
                                     dir,
                                     "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("hotexpert report"));
  const std::string page = fresh_folder("report.html");
  const auto report = run_hotexpert({"report", dir, "-o", page});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  std::ifstream in(page);
  const std::string html{std::istreambuf_iterator<char>(in), {}};
  for (const char* id : {"drop-spectrum", "drops-by-rule", "drops-by-layer", "needed-factor",
                         "drops-by-position", "drops-by-source-rank"}) {
    EXPECT_THAT(html, HasSubstr("id=\"" + std::string(id) + "\""));
  }
  // Once written, never overwritten.
  EXPECT_EQ(run_hotexpert({"drops", "--capacity.factor", "1", "-o", dir}).exit_code, 2);
}

TEST(DropsRunTest, TheChecksOfARecordingStandInTheManifest) {
  const std::string trace = fresh_folder("routed.csv");
  std::ofstream(trace) << "token,layer,expert\n0,0,1\n0,0,2\n1,0,0\n1,0,1\n";
  const std::string dir = fresh_folder("run");
  const auto result = run_hotexpert({"drops", trace, "--layer.experts", "4", "--step.tokens", "2",
                                     "--capacity.factor", "1", "-o", dir});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::ifstream in(dir + "/manifest.json");
  const Json manifest =
      Json::parse(std::string{std::istreambuf_iterator<char>(in), {}}, "manifest");
  const Json& recording = manifest.at("traces").as_array().front();
  EXPECT_EQ(recording.at("importer").as_string(), "csv");
  std::vector<std::string> checks;
  for (const auto& check : recording.at("checks").as_array())
    checks.push_back(check.at("check").as_string());
  EXPECT_THAT(checks, ::testing::Contains("out_of_range"));
  EXPECT_THAT(checks, ::testing::Contains("repeated_rows"));
}

TEST(DropsRecordedTest, PositionAndProbsDropEquallyManyButNotEquallyMuch) {
  if (!has_recorded_trace()) GTEST_SKIP() << "the recorded gpt-oss trace is not beside the project";
  const Json rows = json_of({"drops", kTrace, "--layer.experts", "32", "--step.tokens", "1024",
                             "--capacity.factor", "1", "--capacity.policy", "position,probs",
                             "--ep.ranks", "4", "--trace.layer", "5", "--json"})
                        .at("rows");
  ASSERT_EQ(rows.as_array().size(), 2U);
  const auto& position = rows.as_array()[0];
  const auto& probs = rows.as_array()[1];
  EXPECT_EQ(position.at("drop.assignment_fraction"), probs.at("drop.assignment_fraction"));
  EXPECT_LT(probs.at("drop.gate_mass_fraction").as_double(),
            0.9 * position.at("drop.gate_mass_fraction").as_double());
  const auto& first_ranks = position.at("by_source_rank").as_array();
  EXPECT_LT(first_ranks[0].as_double(), 0.5 * first_ranks[3].as_double()) << "position bias";
  EXPECT_EQ(position.at("by_position_decile").as_array().size(), 10U);
}

TEST(DropsRecordedTest, TheLinesOfTheIssueRunAsWritten) {
  if (!has_recorded_trace()) GTEST_SKIP() << "the recorded gpt-oss trace is not beside the project";
  const Json rows = json_of({"drops", kTrace, "--layer.experts", "32", "--step.tokens", "1024",
                             "--capacity.factor", "1,1.25,1.5,2", "--json"})
                        .at("rows");
  ASSERT_EQ(rows.as_array().size(), 4U);
  double before = 1;
  for (const auto& row : rows.as_array()) {
    EXPECT_EQ(row.at("capacity.rule").as_string(), "megatron");
    EXPECT_LT(row.at("drop.assignment_fraction").as_double(), before);
    EXPECT_GE(row.at("drop.assignment_fraction").as_double(),
              row.at("drop.floor_fraction").as_double());
    before = row.at("drop.assignment_fraction").as_double();
  }
}

TEST(DropsUsageTest, WhatAsksForNothingOrForTwoThingsIsRefused) {
  const auto nothing = run_hotexpert({"drops"});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("--spectrum or --max-drop"));
  EXPECT_EQ(run_hotexpert({"drops", "--spectrum", "--capacity.factor", "1"}).exit_code, 2);
  EXPECT_EQ(run_hotexpert({"drops", "--max-drop", "much"}).exit_code, 2);
  EXPECT_EQ(run_hotexpert({"drops", "--max-drop", "101%"}).exit_code, 2);
  const auto uneven = run_hotexpert({"drops", "--spectrum", "--capacity.group", "1000"});
  EXPECT_EQ(uneven.exit_code, 2);
  EXPECT_THAT(uneven.err, HasSubstr("does not divide"));
}

}  // namespace
}  // namespace hotexpert
