#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "tests/crash/faulty_program.hpp"
#include "tests/crash/tiny_sweep.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::expect_undisturbed;
using testing_support::fresh_folder;
using testing_support::read_file;
using testing_support::run_hotexpert;
using testing_support::tiny_resume;
using testing_support::tiny_sweep;

/// Starts hotexpert and does not wait. @param err where its stderr goes
pid_t start(const std::vector<std::string>& args, const std::string& err) {
  const std::string program = std::string(HOTEXPERT_BINARY_DIR) + "/hotexpert";
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int out = ::open("/dev/null", O_WRONLY);
  const int errors = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  std::vector<char*> argv = {::strdup(program.c_str())};
  for (const auto& arg : args) argv.push_back(::strdup(arg.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int exit_code_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(LockTest, OfEightWritersStartedAtOnceOneWinsAndTheOthersSaySo) {
  const std::string dir = fresh_folder("run");
  std::array<pid_t, 8> writers{};
  std::array<std::string, 8> errors;
  for (std::size_t i = 0; i < writers.size(); ++i) {
    errors[i] = fresh_folder("err-" + std::to_string(i));
    writers[i] = start(tiny_sweep(dir), errors[i]);
  }
  int winners = 0;
  for (std::size_t i = 0; i < writers.size(); ++i) {
    const int code = exit_code_of(writers[i]);
    winners += code == 0 ? 1 : 0;
    if (code == 0) continue;
    EXPECT_EQ(code, 2);
    EXPECT_THAT(read_file(errors[i]),
                testing::AnyOf(HasSubstr("another process"), HasSubstr("is not empty")));
  }
  EXPECT_EQ(winners, 1);
  expect_undisturbed(dir, "after the race");
}

TEST(LockTest, TheSecondWriterIsToldWhoseItIsAndAKilledOneLeavesNoLock) {
  const std::string dir = fresh_folder("run");
  auto endless = tiny_sweep(dir);
  for (const char* arg : {"--step.tokens", "65536", "--step.count", "4000"})
    endless.emplace_back(arg);
  const pid_t first = start(endless, fresh_folder("err"));
  for (int i = 0; i < 6000 && read_file(dir + "/manifest.json").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ::kill(first, SIGSTOP);  // a writer that hangs holds its run, too
  auto resumed = endless;
  resumed.emplace_back("--resume");
  const auto second = run_hotexpert(resumed);
  EXPECT_EQ(second.exit_code, 2);
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
  EXPECT_THAT(second.err, HasSubstr("another process (" + std::to_string(first) + " on " + host +
                                    ") is writing to this run folder"));
  ::kill(first, SIGKILL);
  EXPECT_EQ(exit_code_of(first), testing_support::kKilled);

  const auto changed = run_hotexpert(tiny_resume(dir));
  EXPECT_EQ(changed.exit_code, 2) << "not the lock, the scenario";
  EXPECT_THAT(changed.err, HasSubstr("step.tokens was [65536], is now [32]"));
  EXPECT_THAT(changed.err, HasSubstr("step.count was"));
}

}  // namespace
}  // namespace hotexpert
