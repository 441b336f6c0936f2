#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/crash/durable_files.hpp"
#include "tests/crash/faulty_program.hpp"
#include "tests/crash/tiny_sweep.hpp"

namespace hotexpert {
namespace {

using testing_support::DurableFiles;
using testing_support::expect_undisturbed;
using testing_support::fresh_folder;
using testing_support::LoggedCall;
using testing_support::run_faulty;
using testing_support::run_hotexpert;
using testing_support::tiny_resume;
using testing_support::tiny_sweep;

using Files = std::map<std::string, std::string>;  // name -> bytes

/// Lines of points.jsonl, and those whose artifact is there with all of its bytes.
struct SafePoints {
  long lines = 0;
  long with_artifact = 0;
};

SafePoints safe_points(const Files& left) {
  SafePoints safe;
  const auto found = left.find("run/points.jsonl");
  if (found == left.end() || left.count("run/manifest.json") == 0) return safe;
  safe.lines = std::count(found->second.begin(), found->second.end(), '\n');
  for (long line = 1; line <= safe.lines; ++line) {
    const auto artifact =
        left.find("run/artifacts/" + std::to_string(line) + "/load.by_expert.npy");
    safe.with_artifact += artifact != left.end() && artifact->second.size() == 128 + 8 * 64 * 80;
  }
  return safe;
}

/// Counts the points whose line was fsynced, call by call.
class Acknowledged {
 public:
  explicit Acknowledged(long before = 0) : written_(before), safe_(before) {}
  long after(const LoggedCall& call) {
    if (!call.path.ends_with("/points.jsonl")) return safe_;
    written_ += std::count(call.bytes.begin(), call.bytes.end(), '\n');
    if (call.name == "fsync") safe_ = written_;
    return safe_;
  }

 private:
  long written_;
  long safe_;
};

TEST(PowerLossTest, AfterAnyCallLeavesEveryAcknowledgedPointAndResumesToTheSameBytes) {
  const std::string folder = fresh_folder("logged");
  const auto logged = run_faulty(tiny_sweep(folder + "/run"), folder);
  ASSERT_EQ(logged.program.exit_code, 0) << logged.program.err;

  DurableFiles disk(folder);
  std::set<Files> tried;
  Acknowledged acknowledged;
  long safe = 0;
  for (const auto& call : logged.calls) {
    ASSERT_EQ(disk.apply(call), "") << call.name << " " << call.path;
    safe = acknowledged.after(call);
    for (const auto& left : disk.after_power_loss()) {
      ASSERT_GE(safe_points(left).with_artifact, safe) << call.name << " " << call.path;
      if (!tried.insert(left).second) continue;
      const std::string after = fresh_folder("after");
      for (const auto& [name, bytes] : left) {
        const auto path = std::filesystem::path(after) / name;
        std::filesystem::create_directories(name.ends_with('/') ? path : path.parent_path());
        if (!name.ends_with('/')) testing_support::write_text(path.string(), bytes);
      }
      const auto resumed = run_hotexpert(tiny_resume(after + "/run"));
      ASSERT_EQ(resumed.exit_code, 0) << call.name << " " << call.path << "\n" << resumed.err;
      expect_undisturbed(after + "/run", "power lost after " + call.name + " " + call.path);
    }
  }
  EXPECT_EQ(safe, 3);
  EXPECT_GT(tried.size(), 15U);
  RecordProperty("states", static_cast<int>(tried.size()));
}

/// What a killed process did and never made durable is made durable by the one that goes on.
TEST(PowerLossTest, OfTheResumedSweepLosesNothingThatAKilledOneHadLeftInMemory) {
  const std::string folder = fresh_folder("killed");
  for (long at = 1;; ++at) {
    std::filesystem::remove_all(folder);
    DurableFiles disk(folder);
    Acknowledged acknowledged;
    const auto killed = run_faulty(tiny_sweep(folder + "/run"), folder, {"kill", at});
    for (const auto& call : killed.calls) {
      ASSERT_EQ(disk.apply(call), "");
      acknowledged.after(call);
    }
    if (killed.program.exit_code == 0) break;
    const auto resumed = run_faulty(tiny_resume(folder + "/run"), folder);
    ASSERT_EQ(resumed.program.exit_code, 0) << resumed.program.err;
    for (const auto& call : resumed.calls) {
      ASSERT_EQ(disk.apply(call), "") << "killed at " << at;
      const long safe = acknowledged.after(call);
      for (const auto& left : disk.after_power_loss())
        ASSERT_GE(safe_points(left).with_artifact, safe) << "killed at " << at << ", " << call.path;
    }
    ASSERT_EQ(safe_points(disk.after_power_loss().front()).with_artifact, 3) << at;
  }
}

}  // namespace
}  // namespace hotexpert
