#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;
using testing_support::run_program;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> sweep(std::vector<std::string> more) {
  std::vector<std::string> args = {
      "sweep", "scenarios/quickstart.toml", "--backend", "none", "--step.count", "2"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST(ShardCommandTest, MergedShardsAreTheBytesOfAnUndividedSweep) {
  const std::string dir = fresh_folder("shards");
  for (const char* shard : {"2/3", "0/3", "1/3"}) {
    const auto result = run_hotexpert(sweep({"--shard", shard, "-o", dir}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  const std::string merged = fresh_folder("merged");
  const auto result = run_hotexpert({"merge", dir, "-o", merged});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string whole = fresh_folder("whole");
  ASSERT_EQ(run_hotexpert(sweep({"-o", whole})).exit_code, 0);
  EXPECT_EQ(read_file(merged + "/points.jsonl"), read_file(whole + "/points.jsonl"));
  EXPECT_EQ(run_hotexpert({"report", merged, "--json"}).exit_code, 0);
}

TEST(ShardCommandTest, MergeNamesWhatIsMissing) {
  const std::string dir = fresh_folder("shards");
  for (const char* shard : {"0/3", "2/3"})
    ASSERT_EQ(run_hotexpert(sweep({"--shard", shard, "-o", dir})).exit_code, 0);
  const std::string merged = fresh_folder("merged");
  auto result = run_hotexpert({"merge", dir, "-o", merged});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("shard 1 of 3 is missing"));
  EXPECT_FALSE(std::filesystem::exists(merged + "/points.jsonl"));

  ASSERT_EQ(run_hotexpert(sweep({"--shard", "1/3", "-o", dir})).exit_code, 0);
  const std::string points = dir + "/shard-1-of-3/points.jsonl";
  std::filesystem::resize_file(points, std::filesystem::file_size(points) - 10);
  result = run_hotexpert({"merge", dir, "-o", merged});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("1 of 20 points are not finished"));

  result = run_hotexpert({"merge", dir + "/shard-0-of-3", dir + "/shard-0-of-3", "-o", merged});
  EXPECT_THAT(result.err, HasSubstr("are both shard 0"));
  EXPECT_EQ(run_hotexpert({"merge", fresh_folder("empty"), "-o", merged}).exit_code, 3);
}

TEST(ShardCommandTest, ShardsOfOtherScenariosAreNotMerged) {
  const std::string dir = fresh_folder("shards");
  ASSERT_EQ(run_hotexpert(sweep({"--shard", "0/2", "-o", dir})).exit_code, 0);
  ASSERT_EQ(run_hotexpert(sweep({"--shard", "1/2", "--seed", "2", "-o", dir})).exit_code, 0);
  const auto result = run_hotexpert({"merge", dir, "-o", fresh_folder("merged")});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("other scenarios"));
}

TEST(ShardCommandTest, TheEmittedScriptRunsEveryShardAndMerges) {
  const std::string dir = fresh_folder("emitted");
  const auto script =
      run_hotexpert(sweep({"--emit", "parallel", "--shards", "2", "-o", dir + "/run 1"}));
  ASSERT_EQ(script.exit_code, 0) << script.err;
  std::filesystem::create_directories(dir);
  std::ofstream(dir + "/go.sh") << script.out;
  const auto result = run_program({"/bin/sh", dir + "/go.sh"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(std::filesystem::exists(dir + "/run 1/merged/points.jsonl"));

  const auto slurm = run_hotexpert(sweep({"--emit", "slurm", "--shards", "8", "-o", dir + "/s"}));
  EXPECT_THAT(slurm.out, HasSubstr("#SBATCH --array=0-7\n"));
  EXPECT_THAT(slurm.out, HasSubstr("--shard auto --resume"));
  EXPECT_EQ(run_hotexpert(sweep({"--emit", "pbs", "-o", dir})).exit_code, 2);
  EXPECT_EQ(run_hotexpert(sweep({"--shard", "0/2"})).exit_code, 2);
}

}  // namespace
}  // namespace hotexpert
