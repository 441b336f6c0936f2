#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(CommandsTest, EveryCommandExplainsItself) {
  const auto overview = run_hotexpert({"--help"});
  EXPECT_EQ(overview.exit_code, 0);
  for (const char* command :
       {"sweep", "plan", "drops", "train", "trace", "model", "calibrate", "place", "merge",
        "profile", "report", "compare", "list", "selftest", "completion", "manual", "doctor"}) {
    EXPECT_THAT(overview.out, HasSubstr(command));
    const auto help = run_hotexpert({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Usage: hotexpert " + std::string(command)));
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
    const std::string usage = help.out.substr(help.out.find("Usage: "));
    const bool takes_arguments = usage.find(" [OPTIONS]\n") > usage.find(command) + strlen(command);
    EXPECT_EQ(help.out.find("\nArguments:\n") != std::string::npos, takes_arguments) << help.out;
  }
  EXPECT_THAT(run_hotexpert({"--version"}).out, testing::StartsWith("hotexpert "));
}

TEST(CommandsTest, HelpAndManualExplainArgumentsActionsAndWords) {
  const auto manual = run_hotexpert({"manual"});
  for (const char* said : {"info FILE...", "where the imbalance comes from"}) {
    EXPECT_THAT(run_hotexpert({"trace", "--help"}).out, HasSubstr(said));
    EXPECT_THAT(manual.out, HasSubstr(said));
  }
  const std::string help = run_hotexpert({"sweep", "--help"}).out;
  EXPECT_THAT(help, HasSubstr("SCENARIO                          scenario file"));
  EXPECT_THAT(help, HasSubstr("tokens; fp32 or bf16 [fp32]"));
  EXPECT_THAT(help, HasSubstr("[2 s]"));
  EXPECT_THAT(help, testing::Not(HasSubstr("virtual or mpi"))) << "named by the help itself";
}

TEST(CommandsTest, EveryFamilyIsListed) {
  const Json families = Json::parse(run_hotexpert({"list", "--json"}).out, "list");
  EXPECT_GE(families.at("rows").as_array().size(), 9U);
  for (const auto& family : families.at("rows").as_array()) {
    const auto result = run_hotexpert({"list", family.at("name").as_string(), "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_FALSE(Json::parse(result.out, "list").at("rows").as_array().empty());
  }
}

TEST(CommandsTest, ListExplainsWhatCudaKernelsWouldLaunch) {
  const auto result =
      run_hotexpert({"list", "kernels", "--explain", "qwen3-30b-a3b:tokens=256", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json table = Json::parse(result.out, "list");
  const auto& first = table.at("rows").as_array().front();
  EXPECT_EQ(first.at("engine").as_string(), "sm90");
  EXPECT_EQ(first.at("tile").as_string(), "64 x 256");
  EXPECT_EQ(first.at("not_measured").as_string(), "") << "decode";
  const auto prefill = run_hotexpert({"list", "kernels", "--explain", "qwen3-30b-a3b:tokens=8192"});
  EXPECT_THAT(prefill.out, HasSubstr("try cluster=2: 32 instead of 48 KiB"));
  EXPECT_THAT(prefill.out, HasSubstr("try store=bulk: results are 10 %"));
  EXPECT_THAT(prefill.out, HasSubstr("17 % of its launch at most: a hot expert is hidden"));
  EXPECT_EQ(run_hotexpert({"list", "kernels", "--explain", "qwen4"}).exit_code, 2);
  EXPECT_EQ(run_hotexpert({"list", "axes", "--explain", "olmoe"}).exit_code, 2);
}

TEST(CommandsTest, DoctorNamesCudaWithItsReasonOrItsDevice) {
  const auto result = run_hotexpert({"doctor", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("backend cuda"));
}

TEST(CommandsTest, PlanPrintsEveryPointAsJson) {
  const auto result = run_hotexpert({"plan", "scenarios/quickstart.toml", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "plan");
  ASSERT_EQ(json.at("rows").as_array().size(), 60U);
  const Json& row = json.at("rows").as_array().back();
  EXPECT_EQ(row.at("outcome").as_string(), "ok");
  EXPECT_GT(row.at("load.max_over_mean").as_double(), 1.5);
  EXPECT_GT(row.at("drop.assignment_fraction").as_double(), 0.0);
}

TEST(CommandsTest, ASweepIsWrittenPointByPointAndResumes) {
  const std::string dir = fresh_folder("run");
  const std::vector<std::string> args = {
      "sweep", "scenarios/quickstart.toml", "--backend", "none", "-o", dir};
  ASSERT_EQ(run_hotexpert(args).exit_code, 0);
  const std::string points = read_file(dir + "/points.jsonl");
  EXPECT_EQ(std::count(points.begin(), points.end(), '\n'), 60);

  // Half of the file lost, the last line torn: a resume brings back the same bytes.
  std::filesystem::resize_file(dir + "/points.jsonl", points.size() / 2);
  auto resume = args;
  resume.emplace_back("--resume");
  const auto result = run_hotexpert(resume);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_file(dir + "/points.jsonl"), points);

  // Another scenario in the same folder is refused.
  resume.insert(resume.end(), {"--seed", "2"});
  const auto refused = run_hotexpert(resume);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("seed"));
}

TEST(CommandsTest, AMeasuredPointHasItsControlAndAnInterval) {
  const std::string dir = fresh_folder("run");
  const auto result = run_hotexpert({"sweep",
                                     "scenarios/quickstart.toml",
                                     "--kernel",
                                     "padded,grouped",
                                     "--skew.target",
                                     "none",
                                     "--skew.model",
                                     "hot:experts=1:share=0.5",
                                     "--capacity.factor",
                                     "none",
                                     "--layer.d_model",
                                     "64",
                                     "--layer.d_ff",
                                     "64",
                                     "--step.tokens",
                                     "256",
                                     "--measure.budget_s",
                                     "0.05",
                                     "--backend",
                                     "cpu",
                                     "-o",
                                     dir,
                                     "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string line =
      read_file(dir + "/points.jsonl").substr(0, read_file(dir + "/points.jsonl").find('\n'));
  const Json point = Json::parse(line, "points.jsonl");
  const Json& metrics = point.at("metrics");
  EXPECT_EQ(metrics.at("layer.total_s").at("provenance").as_string(), "measured");
  EXPECT_GE(metrics.at("layer.total_s").at("samples").as_array().size(), 10U);
  EXPECT_EQ(metrics.at("layer.imbalance_tax").at("ci95").as_array().size(), 2U);
  EXPECT_GT(metrics.at("rows.padding_fraction").at("value").as_double(), 0.3);
  EXPECT_LT(metrics.at("kernel.max_relative_error").at("value").as_double(), 5e-6);
}

TEST(CommandsTest, ReportsComeInEveryFormat) {
  const std::string dir = fresh_folder("run");
  ASSERT_EQ(run_hotexpert({"sweep", "scenarios/quickstart.toml", "--backend", "none", "-o", dir})
                .exit_code,
            0);
  for (const char* extension : {"html", "md", "csv"}) {
    const std::string file = fresh_folder(std::string("report.") + extension);
    const auto result = run_hotexpert({"report", dir, "-o", file});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_GT(std::filesystem::file_size(file), 500U);
  }
  const auto json = run_hotexpert({"report", dir, "--json"});
  ASSERT_EQ(json.exit_code, 0) << json.err;
  EXPECT_EQ(Json::parse(json.out, "report").at("rows").as_array().size(), 60U);
}

TEST(RecordedTraceTest, OrderMattersAsTheIssueOfRealTracesSays) {
  const std::string trace = "../shared/traces/gpt-oss-20b/topk_ids_u8.npy";
  if (!std::filesystem::exists(std::string(HOTEXPERT_SOURCE_DIR) + "/" + trace)) {
    GTEST_SKIP() << "the recorded gpt-oss trace is not beside the project";
  }
  const std::string dir = fresh_folder("run");
  const auto sweep =
      run_hotexpert({"sweep", "scenarios/recorded.toml", "--trace.file", trace, "--step.tokens",
                     "256,4096", "--trace.order", "recorded,shuffled", "--capacity.factor",
                     "1,1.25,1.5,2", "--backend", "none", "-o", dir});
  ASSERT_EQ(sweep.exit_code, 0) << sweep.err;
  EXPECT_THAT(sweep.out, HasSubstr("Token order matters in steps of 256 tokens"));
  const auto report = run_hotexpert({"report", dir, "--json"});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  double recorded = 0;
  double shuffled = 0;
  const Json json = Json::parse(report.out, "report");
  ASSERT_EQ(json.at("rows").as_array().size(), 16U);
  for (const auto& row : json.at("rows").as_array()) {
    if (row.at("capacity.factor").as_double() != 1.5 || row.at("step.tokens").as_integer() != 256)
      continue;
    (row.at("trace.order").as_string() == "recorded" ? recorded : shuffled) =
        row.at("drop.assignment_fraction").as_double();
  }
  EXPECT_GT(recorded, 1.2 * shuffled);
  EXPECT_GT(shuffled, 0.0);
}

}  // namespace
}  // namespace hotexpert
