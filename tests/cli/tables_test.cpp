#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

Json read_json(const std::string& path) {
  std::ifstream in(path);
  return Json::parse(std::string(std::istreambuf_iterator<char>(in), {}), path);
}

Json rows_of(const std::vector<std::string>& args) {
  const auto result = run_hotexpert(args);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return Json::parse(result.out, "stdout").at("rows");
}

TEST(DropsCommandTest, ClosedFormAndSamplingAgree) {
  const std::vector<std::string> args = {"drops", "--skew.model",      "uniform", "--layer.experts",
                                         "64",    "--layer.top_k",     "2",       "--step.tokens",
                                         "4096",  "--capacity.factor", "1,1.25",  "--json"};
  auto analytic = args;
  analytic.emplace_back("--analytic");
  auto sampled = args;
  sampled.insert(sampled.end(), {"--step.count", "40"});
  const Json expected = rows_of(analytic);
  const Json drawn = rows_of(sampled);
  ASSERT_EQ(expected.as_array().size(), 2U);
  EXPECT_EQ(expected.as_array()[0].at("capacity").as_integer(), 128);
  // E[(L - 128)+] of L ~ Bin(4096, 1/32), over the mean load 128.
  EXPECT_NEAR(expected.as_array()[0].at("drop.assignment_fraction").as_double(), 0.03468389880997,
              1e-13);
  for (std::size_t i = 0; i < 2; ++i) {
    const double error = drawn.as_array()[i].at("standard_error").as_double();
    EXPECT_NEAR(drawn.as_array()[i].at("drop.assignment_fraction").as_double(),
                expected.as_array()[i].at("drop.assignment_fraction").as_double(), 5 * error);
    EXPECT_EQ(drawn.as_array()[i].at("drop.floor_fraction"),
              expected.as_array()[i].at("drop.floor_fraction"));
  }
}

TEST(DropsCommandTest, EveryRuleHasARowOrAReason) {
  const Json rows = rows_of({"drops", "--skew.model", "zipf", "--capacity.factor", "1.25",
                             "--capacity.rule", "all", "--json"});
  ASSERT_EQ(rows.as_array().size(), 11U);
  for (const auto& row : rows.as_array()) {
    EXPECT_NE(row.find("unsupported") == nullptr, row.find("drop.assignment_fraction") == nullptr)
        << row.dump();
  }
}

TEST(DropsCommandTest, MissingFactorsAndSweptAxesAreUsageErrors) {
  EXPECT_EQ(run_hotexpert({"drops", "--skew.model", "uniform"}).exit_code, 2);
  const auto swept = run_hotexpert({"drops", "--capacity.factor", "1", "--step.tokens", "64,128"});
  EXPECT_EQ(swept.exit_code, 2);
  EXPECT_THAT(swept.err, HasSubstr("--step.tokens"));
}

TEST(TraceCommandTest, AGeneratedTraceIsDescribedImportedAndReplayed) {
  const std::string made = fresh_folder("made.safetensors");
  ASSERT_EQ(run_hotexpert({"trace", "gen", "--skew.model", "zipf:exponent=1.2", "--layer.experts",
                           "16", "--layer.top_k", "4", "--step.tokens", "256", "--step.count", "4",
                           "--skew.layers", "3", "-o", made})
                .exit_code,
            0);
  const Json rows = rows_of({"trace", "info", made, "--step.tokens", "256", "--json"});
  ASSERT_EQ(rows.as_array().size(), 4U);
  EXPECT_GT(rows.as_array()[3].at("load.max_over_mean").as_double(), 1.5);
  const std::string again = fresh_folder("again.npz");
  ASSERT_EQ(run_hotexpert({"trace", "import", made, "-o", again}).exit_code, 0);
  EXPECT_EQ(rows_of({"trace", "info", again, "--step.tokens", "256", "--json"}), rows);
  const Json drops =
      rows_of({"drops", made, "--step.tokens", "256", "--capacity.factor", "1", "--json"});
  EXPECT_GT(drops.as_array()[0].at("drop.assignment_fraction").as_double(), 0.1);
}

TEST(TraceCommandTest, WhatIsMissingIsSaid) {
  EXPECT_THAT(run_hotexpert({"trace", "infos"}).err, HasSubstr("did you mean 'info'?"));
  EXPECT_THAT(run_hotexpert({"trace", "info"}).err, HasSubstr("FILE is missing"));
  EXPECT_EQ(run_hotexpert({"trace", "info", "/no/such/file"}).exit_code, 3);
}

TEST(ModelCommandTest, PublishedLatenciesAreScoredByShapeRanksAndDistribution) {
  const std::string csv = "../shared/h100/moe_layer_latency_bf16_ep.csv";
  if (!std::filesystem::exists(std::string(HOTEXPERT_SOURCE_DIR) + "/" + csv)) {
    GTEST_SKIP() << "the published H100 latencies are not beside the project";
  }
  const auto result = run_hotexpert({"model", "validate", csv, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "model");
  EXPECT_LE(json.at("overall").at("median_abs_error").as_double(), 0.05);
  EXPECT_LE(json.at("overall").at("p90_abs_error").as_double(), 0.15);
  EXPECT_EQ(json.at("overall").at("n").as_integer(), 972);
  EXPECT_EQ(run_hotexpert({"model", "validate", "/no/such.csv"}).exit_code, 3);
}

TEST(CompareCommandTest, ARunEqualsItselfAndForeignFoldersAreRefused) {
  const std::string dir = fresh_folder("run");
  ASSERT_EQ(run_hotexpert({"sweep",
                           "scenarios/quickstart.toml",
                           "--kernel",
                           "grouped",
                           "--skew.target",
                           "none",
                           "--capacity.factor",
                           "none",
                           "--layer.d_model",
                           "32",
                           "--layer.d_ff",
                           "32",
                           "--step.tokens",
                           "64",
                           "--measure.budget_s",
                           "0.02",
                           "--threads",
                           "1",
                           "--backend",
                           "cpu",
                           "-o",
                           dir})
                .exit_code,
            0);
  const auto same = run_hotexpert({"compare", dir, dir, "--fail-on", "5%"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_EQ(run_hotexpert({"compare", dir, "/no/such/run"}).exit_code, 3);
  EXPECT_EQ(run_hotexpert({"compare", dir, dir, "--fail-on", "much"}).exit_code, 2);
  // On a machine that is busy with other tests the gate may well find that it cannot tell.
  const auto checked = run_hotexpert({"compare", dir, dir, "--self-check", "--json"});
  EXPECT_THAT(checked.err, HasSubstr("the noisiest point timed again"));
  EXPECT_THAT(checked.err, HasSubstr("called different"));
  if (checked.exit_code == 0) {
    const Json check = Json::parse(checked.out, "compare").at("self_check");
    EXPECT_EQ(check.at("slowdowns").as_array().size(), 8U);
    EXPECT_GE(check.at("injected").as_array().size(), 1U);
  } else {
    EXPECT_EQ(checked.exit_code, 2);
    EXPECT_THAT(checked.err, HasSubstr("too noisy"));
  }
}

TEST(CompareCommandTest, ABaseOfAnotherMachineIsCheckedOnItsStoredSamples) {
  const std::string dir = fresh_folder("run");
  std::filesystem::copy(HOTEXPERT_SOURCE_DIR "/reports/measured/zen4-2-cores/skew-to-time", dir,
                        std::filesystem::copy_options::recursive);
  Json manifest = read_json(dir + "/manifest.json");
  Json environment = manifest.at("environment");
  environment.set("system", Json::object().set("name", "another system"));
  std::ofstream(dir + "/manifest.json") << manifest.set("environment", environment).dump();
  const auto checked = run_hotexpert({"compare", dir, dir, "--self-check", "--fail-on", "0.0001%"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.err, AnyOf(HasSubstr("below the smallest slowdown"), HasSubstr("too noisy")));
  EXPECT_THAT(checked.err,
              HasSubstr("drawn from the noisiest point's own samples (not timed again: "
                        "the base is of another machine: "));
}

}  // namespace
}  // namespace hotexpert
