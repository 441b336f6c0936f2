#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/crash/faulty_program.hpp"
#include "tests/crash/tiny_sweep.hpp"
#include "tests/support/small_lab.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::acknowledged;
using testing_support::Fault;
using testing_support::fresh_folder;
using testing_support::kKilled;
using testing_support::LoggedCall;
using testing_support::reused;
using testing_support::run_faulty;
using testing_support::run_files;
using testing_support::run_hotexpert;

/// Two small routers, trained one after another, each with its trace kept.
std::vector<std::string> tiny_lab(const std::string& run_dir, bool resume = false) {
  auto args = testing_support::train_small_lab({"--train.method", "none,bias", "--train.weight",
                                                "0.01", "--backend", "none", "--jobs", "1",
                                                "--save-traces", "-o", run_dir});
  if (resume) args.emplace_back("--resume");
  return args;
}

struct Undisturbed {
  std::vector<LoggedCall> calls;  ///< but for unlink
  std::string points;
};

const Undisturbed& undisturbed_lab() {
  static const Undisturbed whole = [] {
    const std::string folder = fresh_folder("whole");
    auto run = run_faulty(tiny_lab(folder + "/run"), folder);
    EXPECT_EQ(run.program.exit_code, 0) << run.program.err;
    std::erase_if(run.calls, [](const LoggedCall& call) { return call.name == "unlink"; });
    return Undisturbed{run.calls, run_files(folder + "/run").points};
  }();
  return whole;
}

class TrainFaultsTest : public testing::TestWithParam<Fault> {};

TEST_P(TrainFaultsTest, AtEveryCallKeepsWhatIsTrainedAndResumesToTheSameBytes) {
  const auto calls = static_cast<long>(undisturbed_lab().calls.size());
  ASSERT_GT(calls, 20);
  for (long at = 1; at <= calls; ++at) {
    Fault fault = GetParam();
    fault.at = at;
    const auto& call = undisturbed_lab().calls[static_cast<std::size_t>(at - 1)];
    SCOPED_TRACE(fault.kind + " at " + call.name + " " + call.path);
    const std::string folder = fresh_folder("lab");
    const auto run = run_faulty(tiny_lab(folder + "/run"), folder, fault);
    if (fault.kind == "kill") {
      ASSERT_EQ(run.program.exit_code, kKilled);
    } else if (run.program.exit_code != 0) {
      ASSERT_EQ(run.program.exit_code, 5) << run.program.err;
      EXPECT_THAT(run.program.err, HasSubstr("--resume"));
    }
    const auto again = run_hotexpert(tiny_lab(folder + "/run", true));
    ASSERT_EQ(again.exit_code, 0) << again.err;
    EXPECT_GE(reused(again), acknowledged(run.calls)) << again.err;
    EXPECT_TRUE(run_files(folder + "/run").points == undisturbed_lab().points);
  }
  RecordProperty("calls", static_cast<int>(calls));
}

INSTANTIATE_TEST_SUITE_P(Kinds, TrainFaultsTest,
                         testing::Values(Fault{"kill", 0, false}, Fault{"ENOSPC", 0, true},
                                         Fault{"EIO", 0, false}),
                         [](const auto& row) { return row.param.kind; });

}  // namespace
}  // namespace hotexpert
