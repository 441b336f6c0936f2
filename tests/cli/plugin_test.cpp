#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"
#include "tests/support/small_lab.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::ProgramResult;
using testing_support::run_hotexpert;

std::string built(const std::string& name) {
  return std::string(HOTEXPERT_BINARY_DIR) + "/plugins/" + name + ".so";
}

ProgramResult sweep(const std::string& kernel, const std::string& folder,
                    std::vector<std::string> more = {}) {
  std::vector<std::string> args = {"sweep",
                                   "scenarios/skew-to-time.toml",
                                   "--backend",
                                   "cpu",
                                   "--kernel",
                                   kernel,
                                   "--threads",
                                   "1",
                                   "--layer.experts",
                                   "8",
                                   "--layer.d_model",
                                   "32",
                                   "--layer.d_ff",
                                   "48",
                                   "--layer.scale",
                                   "1",
                                   "--step.tokens",
                                   "128",
                                   "--step.count",
                                   "2",
                                   "--skew.model",
                                   "zipf:exponent=1.2",
                                   "--skew.target",
                                   "none",
                                   "--measure.budget_s",
                                   "0.01",
                                   "-o",
                                   folder};
  args.insert(args.end(), more.begin(), more.end());
  return run_hotexpert(args);
}

std::vector<Json> lines_of(const std::string& file) {
  std::ifstream in(file);
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line, file));
  return lines;
}

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(PluginCommandTest, APluginIsMeasuredLikeOurKernelsUnderItsFilesName) {
  const auto run = fresh_folder("run");
  const auto result = sweep("plugin:" + built("expert_loop") + ",grouped", run);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto lines = lines_of(run + "/points.jsonl");
  int plugins = 0;
  for (const auto& line : lines) {
    if (line.find("point") == nullptr) continue;
    EXPECT_EQ(line.at("outcome").as_string(), "ok") << line.at("reason").as_string();
    if (line.at("point").at("kernel").as_string() != "plugin:expert_loop") continue;
    ++plugins;
    const auto& metrics = line.at("metrics");
    EXPECT_LE(metrics.at("kernel.max_relative_error").at("value").as_double(), 5e-6);
    EXPECT_GE(metrics.at("layer.expert_ffn_s").at("samples").as_array().size(), 10U);
    EXPECT_NE(metrics.find("layer.imbalance_tax"), nullptr) << "its control ran beside it";
    EXPECT_NE(metrics.find("layer.balanced_total_s"), nullptr);
  }
  EXPECT_EQ(plugins, 1);
  const Json manifest = Json::parse(text_of(run + "/manifest.json"), "manifest");
  EXPECT_THAT(manifest.at("plugins").at("plugin:expert_loop").as_string(),
              testing::StartsWith("fnv1a64:"));
}

TEST(PluginCommandTest, AWrongPluginFailsItsPointsWithTheExpertAndTheErrorAndIsNotTimed) {
  const auto run = fresh_folder("run");
  const auto result = sweep("plugin:" + built("faulty") + ":fault=wrong_expert,grouped", run);
  EXPECT_EQ(result.exit_code, 1);
  bool failed = false;
  bool other_ok = false;
  for (const auto& line : lines_of(run + "/points.jsonl")) {
    if (line.find("point") == nullptr) continue;
    if (line.at("point").at("kernel").as_string() == "grouped") {
      other_ok = line.at("outcome").as_string() == "ok";
      continue;
    }
    failed = line.at("outcome").as_string() == "failed";
    EXPECT_THAT(line.at("reason").as_string(),
                testing::ContainsRegex("kernel 'plugin:faulty:fault=wrong_expert' is wrong: expert "
                                       "[0-9]+ of the layer batch differs from fp64 by [0-9.e+]+"));
    EXPECT_EQ(line.at("metrics").find("layer.total_s"), nullptr);
  }
  EXPECT_TRUE(failed);
  EXPECT_TRUE(other_ok) << "a wrong kernel costs its own points only";
}

TEST(PluginCommandTest, APluginThatFailsCostsItsOwnPointsOnly) {
  for (const char* fault : {"create", "run", "silent"}) {
    const auto run = fresh_folder(fault);
    const auto result =
        sweep("plugin:" + built("faulty") + ":fault=" + std::string(fault) + ",grouped", run);
    EXPECT_EQ(result.exit_code, 1) << fault;
    const auto text = text_of(run + "/points.jsonl");
    EXPECT_THAT(text, HasSubstr("\"outcome\":\"failed\"")) << fault;
    EXPECT_THAT(text, HasSubstr("\"outcome\":\"ok\"")) << fault;
    EXPECT_THAT(text, testing::AnyOf(HasSubstr("could not be made: no room for its tables"),
                                     HasSubstr("failed: its queue is full"),
                                     HasSubstr("failed: it gave no reason")));
  }
}

TEST(PluginCommandTest, ATrainedRouterIsKeptWhenThePluginThatTimesItFails) {
  const auto run = fresh_folder("lab");
  const auto result = run_hotexpert(testing_support::train_small_lab(
      {"--train.method", "none,megatron", "--train.weight", "0.01", "--backend", "cpu", "--kernel",
       "grouped,plugin:" + built("faulty") + ":fault=run", "--measure.budget_s", "0.01", "-o",
       run}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("in 2 of 2 points plugin:"));
  EXPECT_THAT(result.err, HasSubstr(" was not timed: "));
  EXPECT_THAT(text_of(run + "/points.jsonl"), HasSubstr("layer.total_s@grouped"));
}

TEST(PluginCommandTest, WhatCannotBeLoadedEndsBeforeTheRunFolderIsMade) {
  const auto run = fresh_folder("run");
  fs::remove_all(run);
  const auto refused = [&](const std::string& kernel, int code, const std::string& words) {
    const auto result = sweep(kernel, run);
    EXPECT_EQ(result.exit_code, code) << kernel << result.err;
    EXPECT_THAT(result.err, HasSubstr(words));
    EXPECT_FALSE(fs::exists(run)) << kernel;
  };
  refused("plugin:nowhere.so", 3, "plugin 'nowhere.so': the file cannot be read");
  refused("plugin:" + built("wrong_abi"), 3, "built for plugin ABI 7");
  refused("plugin:" + built("no_entry"), 3, "does not export hotexpert_plugin_entry()");
  refused("plugin:README.md", 3, "it is no shared object");
  refused("plugin", 2, "names no file");
  fs::create_directories(run + "-copy");
  fs::copy_file(built("expert_loop"), run + "-copy/expert_loop.so",
                fs::copy_options::overwrite_existing);
  refused("plugin:" + built("expert_loop") + ",plugin:" + run + "-copy/expert_loop.so", 2,
          "two plugins are called 'plugin:expert_loop'");
}

TEST(PluginCommandTest, AnotherDataTypeIsSkippedInThePluginsWords) {
  const auto run = fresh_folder("run");
  (void)sweep("plugin:" + built("expert_loop"), run, {"--layer.dtype", "bf16"});
  EXPECT_THAT(text_of(run + "/points.jsonl"), HasSubstr("it computes fp32 only; set layer.dtype"));
}

TEST(PluginCommandTest, ARunIsNotResumedWithAnotherBuildOfThePlugin) {
  const auto folder = fresh_folder("folder");
  const auto mine = folder + "/mine.so";
  fs::create_directories(folder);
  fs::copy_file(built("expert_loop"), mine, fs::copy_options::overwrite_existing);
  ASSERT_EQ(sweep("plugin:" + mine, folder + "/run").exit_code, 0);
  EXPECT_EQ(sweep("plugin:" + mine, folder + "/run", {"--resume"}).exit_code, 0);
  fs::copy_file(built("faulty"), mine, fs::copy_options::overwrite_existing);
  const auto result = sweep("plugin:" + mine, folder + "/run", {"--resume"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("a kernel plugin has other contents"));
}

TEST(PluginCommandTest, ListKernelsSaysHowToNameOneForBothBackends) {
  const auto result = run_hotexpert({"list", "kernels", "--json"});
  int named = 0;
  const Json table = Json::parse(result.out, "list");
  for (const auto& row : table.at("rows").as_array()) {
    if (row.at("name").as_string() != "plugin:PATH") continue;
    ++named;
    EXPECT_THAT(row.at("summary").as_string(), HasSubstr("hotexpert_plugin.h"));
  }
  EXPECT_EQ(named, 2);
}

TEST(PluginCommandTest, AProfileSaysThatAPluginRecordsNoTiles) {
  const auto result = run_hotexpert({"profile",
                                     "scenarios/profile.toml",
                                     "--point",
                                     "0",
                                     "--backend",
                                     "cpu",
                                     "--kernel",
                                     "plugin:" + built("expert_loop"),
                                     "--layer.d_model",
                                     "32",
                                     "--layer.d_ff",
                                     "32",
                                     "--step.tokens",
                                     "64",
                                     "--steps",
                                     "6",
                                     "--measure.budget_s",
                                     "0.01",
                                     "--threads",
                                     "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out + result.err, HasSubstr("A plugin records no tiles."));
}

}  // namespace
}  // namespace hotexpert
