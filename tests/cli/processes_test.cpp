#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

class ProcessesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(HOTEXPERT_BINARY_DIR "/hotexpert-ep"))
      GTEST_SKIP()
          << "hotexpert-ep was built without MPI (apt-get install libopenmpi-dev openmpi-bin)";
  }

  static std::vector<std::string> sweep(std::vector<std::string> more) {
    std::vector<std::string> args = {"sweep",
                                     "scenarios/quickstart.toml",
                                     "--kernel",
                                     "grouped",
                                     "--layer.d_model",
                                     "64",
                                     "--layer.d_ff",
                                     "64",
                                     "--step.tokens",
                                     "256",
                                     "--step.count",
                                     "2",
                                     "--skew.target",
                                     "none",
                                     "--backend",
                                     "cpu",
                                     "--threads",
                                     "1",
                                     "--measure.samples",
                                     "6",
                                     "--ep.exec",
                                     "mpi",
                                     "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The process with these texts in its environment and its command line, or -1.
pid_t find_process(const std::string& variable, const std::string& argument) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (read_file(entry.path() / "environ").find(variable) == std::string::npos) continue;
    if (read_file(entry.path() / "cmdline").find(argument) == std::string::npos) continue;
    return std::stoi(name);
  }
  return -1;
}

TEST_F(ProcessesTest, MoreRanksThanCoresAreTimedWithAMeasuredNetwork) {
  const auto result = run_hotexpert(sweep({"--capacity.factor", "none", "--measure.budget_s",
                                           "0.05", "--ep.ranks", "4", "-o", fresh_folder("mpi")}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "sweep");
  const Json& point = json.at("points").as_array().front();
  ASSERT_EQ(point.at("outcome").as_string(), "ok") << point.at("reason").as_string();
  const auto& metrics = point.at("metrics");
  for (const char* metric : {"layer.total_s", "layer.all_to_all_s", "layer.dispatch_s"})
    EXPECT_EQ(metrics.at(metric).at("provenance").as_string(), "measured");
  EXPECT_EQ(point.at("series").at("rank_wait_s").at("values").as_array().size(), 4U);
  EXPECT_LT(metrics.at("kernel.max_relative_error").at("value").as_double(), 5e-6);
}

TEST_F(ProcessesTest, ARankKilledMidRunFailsItsPointAndLosesNoOther) {
  const std::string dir = fresh_folder("mpi");
  const std::string temp = fresh_folder("mpi-files");
  fs::create_directories(temp);
  std::atomic<bool> done{false};
  std::atomic<int> killed{0};
  // Rank 1 of the second point is killed; the first has finished when its job's files are gone.
  std::thread killer([&] {
    while (!done && killed == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (read_file(dir + "/points.jsonl").find('\n') == std::string::npos) continue;
      const pid_t rank = find_process("OMPI_COMM_WORLD_RANK=1", temp);
      if (rank > 0 && kill(rank, SIGKILL) == 0) killed = 1;
    }
  });
  const auto start = std::chrono::steady_clock::now();
  const auto result =
      run_hotexpert(sweep({"--capacity.factor", "none,1,1.25", "--measure.budget_s", "1",
                           "--measure.precision", "0.000001", "--ep.ranks", "2", "-o", dir}),
                    {"TMPDIR=" + temp});
  done = true;
  killer.join();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  ASSERT_EQ(killed, 1);
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_LT(elapsed.count(), 100);
  const Json json = Json::parse(result.out, "sweep");
  const auto& points = json.at("points").as_array();
  ASSERT_EQ(points.size(), 3U);
  int ok = 0;
  for (const auto& point : points) {
    if (point.at("outcome").as_string() == "ok") {
      ++ok;
      continue;
    }
    EXPECT_EQ(point.at("outcome").as_string(), "failed");
    EXPECT_THAT(point.at("reason").as_string(), HasSubstr("rank 1"));
    EXPECT_THAT(point.at("reason").as_string(), HasSubstr("signal 9"));
  }
  EXPECT_EQ(ok, 2);
}

TEST_F(ProcessesTest, TheNetworkIsFittedAndItsFileUsed) {
  const std::string dir = fresh_folder("net");
  fs::create_directories(dir);
  const std::string file = dir + "/here.toml";
  const auto fitted =
      run_hotexpert({"calibrate", "network", "--ep.ranks", "2", "-o", file, "--json"});
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  const Json json = Json::parse(fitted.out, "calibrate");
  EXPECT_GE(json.at("rows").as_array().size(), 20U);
  EXPECT_GT(json.at("network").at("intra_bytes_per_s").as_double(), 1e6);
  const auto plan = run_hotexpert({"plan", "scenarios/quickstart.toml", "--ep.ranks", "2",
                                   "--ep.network", file, "--step.count", "2", "--json"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  // Nobody timed it between nodes: the file says so, and so does a point that crosses them.
  EXPECT_THAT(read_file(file), HasSubstr("inter_assumed = true"));
  EXPECT_THAT(json.at("inter_provenance").as_string(), HasSubstr("assumed"));
  const auto crossing = run_hotexpert({"sweep",
                                       "scenarios/quickstart.toml",
                                       "--backend",
                                       "model",
                                       "--device",
                                       "h100-sxm",
                                       "--kernel",
                                       "grouped",
                                       "--ep.ranks",
                                       "4",
                                       "--ep.nodes",
                                       "2",
                                       "--ep.network",
                                       file,
                                       "--step.count",
                                       "2",
                                       "--capacity.factor",
                                       "none",
                                       "--skew.target",
                                       "none",
                                       "--json",
                                       "-o",
                                       dir + "/crossing"});
  ASSERT_EQ(crossing.exit_code, 0) << crossing.err;
  EXPECT_THAT(crossing.out, HasSubstr("Nobody timed network 'here' between nodes"));
}

TEST_F(ProcessesTest, RanksAreTimedOnTheSameWorkAndTheirSpeedsCanBeGiven) {
  const auto timed = run_hotexpert({"calibrate", "speeds", "--ep.ranks", "2", "--json"});
  ASSERT_EQ(timed.exit_code, 0) << timed.err;
  const Json json = Json::parse(timed.out, "speeds");
  ASSERT_EQ(json.at("rows").as_array().size(), 2U);
  for (const Json& row : json.at("rows").as_array()) {
    EXPECT_GT(row.at("seconds").as_double(), 0);
    EXPECT_LE(row.at("low").as_double(), row.at("seconds").as_double());
    EXPECT_GT(row.at("speed").as_double(), 0);
  }
  const auto placed =
      run_hotexpert({"plan", "scenarios/quickstart.toml", "--ep.ranks", "2", "--ep.speeds",
                     json.at("ep.speeds").as_string(), "--step.count", "2", "--json"});
  EXPECT_EQ(placed.exit_code, 0) << placed.err;
  EXPECT_EQ(run_hotexpert({"calibrate", "speeds", "--ep.ranks", "1"}).exit_code, 2);
}

TEST_F(ProcessesTest, ModelledAndMeasuredNetworksAreNotMixedInOneRun) {
  const auto result = run_hotexpert({"sweep", "scenarios/quickstart.toml", "--ep.exec",
                                     "virtual,mpi", "-o", fresh_folder("mpi")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("into its own folder"));
}

}  // namespace
}  // namespace hotexpert
