#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/crash/faulty_program.hpp"
#include "tests/crash/tiny_sweep.hpp"

namespace hotexpert {
namespace {

using testing_support::Fault;
using testing_support::files_below;
using testing_support::fresh_folder;
using testing_support::kKilled;
using testing_support::LoggedCall;
using testing_support::read_file;
using testing_support::run_faulty;
using testing_support::run_hotexpert;
using testing_support::write_text;

/// A command that writes one file or one run folder.
struct Command {
  std::string name;
  std::vector<std::string> args;  ///< without -o
  std::string flag;               ///< -o, or what names the output
  std::string output;             ///< its name
  bool is_run = false;
  bool is_timed = false;  ///< its numbers are measured: no two runs have the same bytes
};
void PrintTo(const Command& command, std::ostream* out) { *out << command.name; }

const std::vector<std::string> kGen = {"trace",         "gen", "--layer.experts", "8",
                                       "--step.tokens", "64",  "--step.count",    "2"};

/// What the commands read, made once: a finished run, its shards, a trace.
std::string input(const std::string& name) {
  static const std::string folder = [] {
    const std::string made = fresh_folder("input");
    std::filesystem::create_directories(made);
    EXPECT_EQ(run_hotexpert(testing_support::tiny_sweep(made + "/run")).exit_code, 0);
    for (const char* shard : {"0/2", "1/2"}) {
      auto args = testing_support::tiny_sweep(made + "/shards");
      args.insert(args.end(), {"--shard", shard});
      EXPECT_EQ(run_hotexpert(args).exit_code, 0);
    }
    auto gen = kGen;
    gen.insert(gen.end(), {"-o", made + "/trace.safetensors"});
    EXPECT_EQ(run_hotexpert(gen).exit_code, 0);
    return made;
  }();
  return folder + "/" + name;
}

std::vector<Command> commands() {
  return {
      {"report_html", {"report", "RUN"}, "-o", "page.html"},
      {"report_csv", {"report", "RUN"}, "-o", "table.csv"},
      {"trace_gen", kGen, "-o", "out.safetensors"},
      {"trace_npz", {"trace", "export", "TRACE"}, "-o", "out.npz"},
      {"trace_csv", {"trace", "export", "TRACE"}, "-o", "out.csv"},
      {"place_map",
       {"place", "TRACE", "--ep.ranks", "2", "--step.tokens", "64"},
       "--write-map",
       "map.json"},
      {"drops",
       {"drops", "TRACE", "--capacity.factor", "1,2", "--step.tokens", "64"},
       "-o",
       "drops",
       true},
      {"merge", {"merge", "SHARDS"}, "-o", "whole", true},
      {"calibrate", {"calibrate", "device", "MEASURED"}, "-o", "here.toml"},
      {"profile",
       {"profile", "scenarios/profile.toml", "--point", "0", "--steps", "6", "--threads", "1",
        "--layer.experts", "4", "--layer.d_model", "16", "--layer.d_ff", "16", "--step.tokens",
        "64"},
       "-o",
       "profile",
       true,
       true},
  };
}

std::vector<std::string> arguments(const Command& command, const std::string& folder) {
  std::vector<std::string> args = command.args;
  for (auto& arg : args) {
    if (arg == "RUN") arg = input("run");
    if (arg == "SHARDS") arg = input("shards");
    if (arg == "TRACE") arg = input("trace.safetensors");
    if (arg == "MEASURED") arg = "reports/measured/zen4-2-cores/calibration";
  }
  args.push_back(command.flag);
  args.push_back(folder + "/" + command.output);
  return args;
}

/// The output's bytes: of a run its points and artifacts, "" where it is none; of a timed run, that
/// it is whole.
std::string bytes_of(const Command& command, const std::string& folder) {
  const std::string path = folder + "/" + command.output;
  if (!command.is_run) return read_file(path);
  if (!std::filesystem::exists(path + "/manifest.json")) return "";
  if (command.is_timed) {
    const auto read = run_hotexpert({"report", path, "--json"});
    EXPECT_EQ(read.exit_code, 0) << read.err;
    return read.err.empty() ? "a whole run of one point" : read.err;
  }
  const auto files = testing_support::run_files(path);
  return files.points + files.artifacts;
}

class OutputFaultsTest : public testing::TestWithParam<Command> {
 protected:
  /// A folder that holds what the command is to replace.
  static std::string folder_with_old_output() {
    const std::string folder = fresh_folder("out");
    std::filesystem::create_directories(folder);
    if (!GetParam().is_run) write_text(folder + "/" + GetParam().output, "the old one");
    return folder;
  }
  static std::string old_bytes() { return GetParam().is_run ? "" : "the old one"; }
};

TEST_P(OutputFaultsTest, AtEveryCallLeavesTheOldOutputOrTheNewOneAndTheNextTryMakesIt) {
  const Command& command = GetParam();
  const std::string whole = fresh_folder("whole");
  std::filesystem::create_directories(whole);
  auto planned = run_faulty(arguments(command, whole), whole);
  ASSERT_EQ(planned.program.exit_code, 0) << planned.program.err;
  std::erase_if(planned.calls, [](const LoggedCall& call) { return call.name == "unlink"; });
  const std::string expected = bytes_of(command, whole);
  ASSERT_GT(expected.size(), 20U);
  ASSERT_GT(planned.calls.size(), 5U);

  for (const char* kind : {"kill", "ENOSPC"}) {
    for (std::size_t i = 0; i < planned.calls.size(); ++i) {
      const auto& call = planned.calls[i];
      SCOPED_TRACE(std::string(kind) + " at " + call.name + " " + call.path);
      const std::string folder = folder_with_old_output();
      const auto result =
          run_faulty(arguments(command, folder), folder, {kind, static_cast<long>(i) + 1, true});
      const std::string left = bytes_of(command, folder);
      EXPECT_TRUE(left == old_bytes() || left == expected) << left.size() << " bytes";
      if (std::string(kind) == "kill") {
        ASSERT_EQ(result.program.exit_code, kKilled);
      } else if (result.program.exit_code != 0) {
        ASSERT_EQ(result.program.exit_code, 5) << result.program.err;
        EXPECT_EQ(std::count(result.program.err.begin(), result.program.err.end(), '\n'), 1)
            << result.program.err;
        for (const auto& [name, bytes] : files_below(folder))
          EXPECT_FALSE(name.ends_with(".tmp")) << name;
      }
      if (command.is_run && left == expected) continue;  // a finished run is not written over
      const auto again = run_hotexpert(arguments(command, folder));
      ASSERT_EQ(again.exit_code, 0) << again.err;
      EXPECT_TRUE(bytes_of(command, folder) == expected);
      for (const auto& [name, bytes] : files_below(folder))
        EXPECT_FALSE(name.ends_with(".tmp")) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Commands, OutputFaultsTest, testing::ValuesIn(commands()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace hotexpert
