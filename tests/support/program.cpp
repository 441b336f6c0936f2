#include "tests/support/program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace hotexpert::testing_support {
namespace {

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string fresh_folder(const std::string& name) {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string owner = info == nullptr
                                ? std::string("no-test")  // a benchmark
                                : std::string(info->test_suite_name()) + "." + info->name();
  const auto path = std::filesystem::temp_directory_path() / "hotexpert-tests" / owner / name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path.parent_path());
  return path.string();
}

ProgramResult run_program(const std::vector<std::string>& args,
                          const std::vector<std::string>& environment) {
  const std::string base = fresh_folder("program-output");
  const std::string out = base + ".out";
  const std::string err = base + ".err";
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(HOTEXPERT_SOURCE_DIR) != 0) _exit(126);
    for (const auto& variable : environment) putenv(strdup(variable.c_str()));
    const int out_fd = open(out.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    const int err_fd = open(err.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    dup2(out_fd, STDOUT_FILENO);
    dup2(err_fd, STDERR_FILENO);
    std::vector<char*> argv;
    for (const auto& arg : args) argv.push_back(strdup(arg.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_all(out),
          read_all(err)};
}

ProgramResult run_hotexpert(const std::vector<std::string>& args,
                            const std::vector<std::string>& environment) {
  std::vector<std::string> all = {std::string(HOTEXPERT_BINARY_DIR) + "/hotexpert"};
  all.insert(all.end(), args.begin(), args.end());
  return run_program(all, environment);
}

}  // namespace hotexpert::testing_support
