#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/crash/faulty_program.hpp"
#include "tests/crash/tiny_sweep.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::acknowledged;
using testing_support::expect_undisturbed;
using testing_support::Fault;
using testing_support::FaultyResult;
using testing_support::fresh_folder;
using testing_support::kKilled;
using testing_support::LoggedCall;
using testing_support::reused;
using testing_support::run_faulty;
using testing_support::run_hotexpert;
using testing_support::tiny_resume;
using testing_support::tiny_sweep;

/// The counted calls of an undisturbed sweep, in order.
const std::vector<LoggedCall>& planned_calls() {
  static const auto calls = [] {
    const std::string folder = fresh_folder("planned");
    auto all = run_faulty(tiny_sweep(folder + "/run"), folder).calls;
    std::erase_if(all, [](const LoggedCall& call) { return call.name == "unlink"; });
    return all;
  }();
  return calls;
}

std::string what(const Fault& fault) {
  const auto& call = planned_calls()[static_cast<std::size_t>(fault.at - 1)];
  return fault.kind + " at call " + std::to_string(fault.at) + ", " + call.name + " " + call.path;
}

void resume_and_expect_everything(const std::string& run_dir, const FaultyResult& disturbed,
                                  const std::string& context) {
  const auto result = run_hotexpert(tiny_resume(run_dir));
  ASSERT_EQ(result.exit_code, 0) << context << "\n" << result.err;
  EXPECT_GE(reused(result), acknowledged(disturbed.calls)) << context << ": a point was lost";
  expect_undisturbed(run_dir, context);
}

/// Nothing depends on a file's close, which follows its fsync, nor on the lock's text.
bool is_harmless(const Fault& fault) {
  const auto first = planned_calls().begin() + (fault.at - 1);
  return std::all_of(first, fault.always ? planned_calls().end() : first + 1, [](const auto& call) {
    return call.name == "close" || call.name == "pwrite";
  });
}

class SweepKilledTest : public testing::TestWithParam<const char*> {};

TEST_P(SweepKilledTest, AtEveryCallLosesNoAcknowledgedPointAndResumesToTheSameBytes) {
  const auto calls = static_cast<long>(planned_calls().size());
  ASSERT_GT(calls, 30);
  for (long at = 1; at <= calls; ++at) {
    const Fault fault{GetParam(), at};
    if (fault.kind == "torn" && planned_calls()[static_cast<std::size_t>(at - 1)].name != "write")
      continue;
    const std::string folder = fresh_folder("killed");
    const auto killed = run_faulty(tiny_sweep(folder + "/run"), folder, fault);
    ASSERT_EQ(killed.program.exit_code, kKilled) << what(fault) << killed.program.err;
    resume_and_expect_everything(folder + "/run", killed, what(fault));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, SweepKilledTest, testing::Values("kill", "torn"),
                         [](const auto& row) { return std::string(row.param); });

class SweepFailingTest : public testing::TestWithParam<Fault> {};

TEST_P(SweepFailingTest, AtEveryCallSaysSoInOneSentenceWithCodeFiveAndResumesToTheSameBytes) {
  for (long at = 1; at <= static_cast<long>(planned_calls().size()); ++at) {
    Fault fault = GetParam();
    fault.at = at;
    const std::string folder = fresh_folder("failing");
    const auto failed = run_faulty(tiny_sweep(folder + "/run"), folder, fault);
    const bool harmless = is_harmless(fault);
    ASSERT_EQ(failed.program.exit_code, harmless ? 0 : 5) << what(fault) << failed.program.err;
    if (harmless) {
      expect_undisturbed(folder + "/run", what(fault));
      continue;
    }
    EXPECT_EQ(std::count(failed.program.err.begin(), failed.program.err.end(), '\n'), 1)
        << failed.program.err;
    EXPECT_THAT(failed.program.err, HasSubstr("--resume"));
    resume_and_expect_everything(folder + "/run", failed, what(fault));
  }
}

INSTANTIATE_TEST_SUITE_P(Errors, SweepFailingTest,
                         testing::Values(Fault{"ENOSPC", 0, true}, Fault{"EIO", 0, false}),
                         [](const auto& row) { return row.param.kind; });

class SweepInterruptedTest : public testing::TestWithParam<const char*> {};

TEST_P(SweepInterruptedTest, AtEveryCallGoesOnAsIfNothingHadHappened) {
  for (long at = 1; at <= static_cast<long>(planned_calls().size()); ++at) {
    const Fault fault{GetParam(), at};
    if (fault.kind == "short" && planned_calls()[static_cast<std::size_t>(at - 1)].name != "write")
      continue;
    const std::string folder = fresh_folder("interrupted");
    const auto result = run_faulty(tiny_sweep(folder + "/run"), folder, fault);
    ASSERT_EQ(result.program.exit_code, 0) << what(fault) << result.program.err;
    expect_undisturbed(folder + "/run", what(fault));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, SweepInterruptedTest, testing::Values("EINTR", "short"),
                         [](const auto& row) { return std::string(row.param); });

/// Resumed and killed again until it is done, at random calls, over and over.
TEST(SweepRandomKillsTest, TwoHundredEndInTheSameBytes) {
  const unsigned seed = 20240611;
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto calls = static_cast<unsigned>(planned_calls().size());
  int kills = 0;
  int sweeps = 0;
  while (kills < 200) {
    const std::string folder = fresh_folder("random");
    const std::string run_dir = folder + "/run";
    for (bool done = false; !done;) {
      const Fault fault{random() % 3 == 0 ? "torn" : "kill",
                        static_cast<long>(1 + random() % calls)};
      const auto result = run_faulty(tiny_resume(run_dir), folder, fault);
      done = result.program.exit_code == 0;
      kills += done ? 0 : 1;
      ASSERT_TRUE(done || result.program.exit_code == kKilled) << result.program.err;
    }
    ++sweeps;
    expect_undisturbed(run_dir, "sweep " + std::to_string(sweeps));
  }
  RecordProperty("kills", kills);
  RecordProperty("sweeps", sweeps);
}

TEST(DamagedLineTest, IsNamedAndCountedHidesNoOtherAndItsPointRunsAgain) {
  const std::string dir = fresh_folder("run");
  ASSERT_EQ(run_hotexpert(tiny_sweep(dir)).exit_code, 0);
  std::string lines = testing_support::read_file(dir + "/points.jsonl");
  lines[lines.find('\n') + 20] ^= 1;
  testing_support::write_text(dir + "/points.jsonl", lines);
  const auto report = run_hotexpert({"report", dir, "--json"});
  EXPECT_EQ(report.exit_code, 0);
  const auto resumed = run_hotexpert(tiny_resume(dir));
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_EQ(reused(resumed), 2);
  for (const auto& said : {report.err, resumed.err}) {
    EXPECT_THAT(said, HasSubstr("points.jsonl:2: this line is damaged"));
    EXPECT_THAT(said, HasSubstr("1 of its lines is damaged"));
  }
}

}  // namespace
}  // namespace hotexpert
