#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::ProgramResult;
using testing_support::run_hotexpert;

const std::string kProgram = std::string(HOTEXPERT_BINARY_DIR) + "/hotexpert";
const std::string kSweep = " sweep scenarios/quickstart.toml --backend none -o ";

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

ProgramResult run_shell(const std::string& script) {
  return testing_support::run_program({"/bin/sh", "-c", script});
}

void expect_one_sentence(const ProgramResult& result) {
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

/// The points of the whole sweep, written where there is room.
std::string all_points() {
  const std::string dir = fresh_folder("whole");
  EXPECT_EQ(run_shell(kProgram + kSweep + dir).exit_code, 0);
  return read_file(dir + "/points.jsonl");
}

TEST(FullDiskTest, ASweepThatMayNotGrowItsFileEndsWithCodeFiveAndResumesToTheSameBytes) {
  const std::string dir = fresh_folder("run");
  const auto stopped = run_shell("ulimit -f 64; exec " + kProgram + kSweep + dir);
  expect_one_sentence(stopped);
  EXPECT_THAT(stopped.err, HasSubstr("points.jsonl"));
  EXPECT_THAT(stopped.err, HasSubstr("--resume"));
  const std::string kept = read_file(dir + "/points.jsonl");
  EXPECT_GT(std::count(kept.begin(), kept.end(), '\n'), 1);
  EXPECT_TRUE(kept.empty() || kept.back() == '\n') << "no half-written line";
  ASSERT_EQ(run_shell(kProgram + kSweep + dir + " --resume").exit_code, 0);
  EXPECT_EQ(read_file(dir + "/points.jsonl"), all_points());
}

TEST(FullDiskTest, ASmallFileSystemThatFillsUpIsCodeFiveAndGoesOnOnceThereIsRoom) {
  const std::string disk = fresh_folder("disk");
  std::filesystem::create_directories(disk);
  const std::string mount = "mount -t tmpfs -o size=64k tmpfs " + disk;
  if (testing_support::run_program({"/usr/bin/unshare", "-rm", "/bin/sh", "-c", mount}).exit_code !=
      0) {
    GTEST_SKIP() << "this user may not mount a small file system (unshare -rm)";
  }
  const auto result = testing_support::run_program(
      {"/usr/bin/unshare", "-rm", "/bin/sh", "-c",
       mount + "; " + kProgram + kSweep + disk + "/run; first=$?; mount -o remount,size=16m " +
           disk + "; " + kProgram + kSweep + disk +
           "/run --resume >/dev/null 2>&1; echo $first $?;" + "cat " + disk + "/run/points.jsonl"});
  EXPECT_THAT(result.err, HasSubstr("No space left"));
  const auto line = result.out.find('\n');
  EXPECT_EQ(result.out.substr(0, line), "5 0");
  EXPECT_EQ(result.out.substr(line + 1), all_points());
}

TEST(FullDiskTest, AReportThatDoesNotFitLeavesTheOldOneAndNothingElse) {
  const std::string dir = fresh_folder("run");
  ASSERT_EQ(run_shell(kProgram + kSweep + dir).exit_code, 0);
  const std::string folder = fresh_folder("reports");
  std::filesystem::create_directories(folder);
  for (const std::string name : {"page.html", "table.csv"}) {
    const std::string file = folder + "/" + name;
    std::ofstream(file) << "the old one";
    const auto result =
        run_shell("ulimit -f 4; exec " + kProgram + " report " + dir + " -o " + file);
    expect_one_sentence(result);
    EXPECT_THAT(result.err, HasSubstr(name));
    EXPECT_EQ(read_file(file), "the old one");
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2) << "no leftovers";
}

TEST(FullDiskTest, DropsThatCannotBeKeptAreCodeFive) {
  const auto printed = run_shell(
      kProgram + " drops --skew.model zipf --capacity.factor 1 --step.tokens 64 >/dev/full");
  expect_one_sentence(printed);
  const auto kept = run_shell("ulimit -f 4; exec " + kProgram +
                              " drops --skew.model zipf --spectrum --step.tokens 512 -o " +
                              fresh_folder("run") + " >/dev/null");
  expect_one_sentence(kept);
}

}  // namespace
}  // namespace hotexpert
