#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;
using testing_support::run_program;

/// What hotexpert sends to a terminal that is its stdout and stderr.
std::string on_a_terminal(const std::vector<std::string>& args) {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    if (::chdir(HOTEXPERT_SOURCE_DIR) != 0) ::_exit(126);
    ::setenv("NO_COLOR", "1", 1);
    const std::string program = std::string(HOTEXPERT_BINARY_DIR) + "/hotexpert";
    std::vector<char*> argv = {::strdup(program.c_str())};
    for (const auto& arg : args) argv.push_back(::strdup(arg.c_str()));
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  std::string seen;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(terminal, buffer, sizeof buffer)) > 0;)
    seen.append(buffer, static_cast<std::size_t>(got));
  ::waitpid(child, nullptr, 0);
  ::close(terminal);
  return seen;
}

/// Control characters that are neither line ends and tabs nor the progress line's own "clear".
std::string controls_in(const std::string& seen) {
  const std::string text = std::regex_replace(seen, std::regex("\r\x1b\\[K"), "");
  std::string found;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F) found += c;
  }
  return found;
}

TEST(TerminalTest, NoNameOfAScenarioARunOrATraceDrivesTheTerminal) {
  const std::string scenario = fresh_folder("hostile.toml");
  std::ofstream(scenario) << R"(title = "\u001b[2J\u001b]0;owned\u0007 \u009b31m \u0008\u007f"
description = "\u001b[31mred"
backend = "none"
[capacity]
factor = [1.0, 2.0]
)";
  const std::string dir = fresh_folder("run\x1b[31m");
  const std::string trace = fresh_folder("trace\x1b[2J\x07.safetensors");
  ASSERT_EQ(run_hotexpert({"sweep", scenario, "-o", dir}).exit_code, 0);
  ASSERT_EQ(run_hotexpert({"trace", "gen", "-o", trace}).exit_code, 0);
  const std::string report = fresh_folder("r") + ".md";
  const std::vector<std::vector<std::string>> commands = {
      {"plan", scenario},
      {"plan", scenario, "--json"},
      {"plan", scenario, "--capacity.factor", "\x1b[31mx"},
      {"sweep", scenario, "-o", dir},
      {"sweep", scenario, "-o", dir, "--resume"},
      {"report", dir, "-o", report},
      {"compare", dir, dir},
      {"trace", "info", trace},
      {"trace", "info", trace + ".absent"},
      {"drops", trace, "--capacity.factor", "1", "--csv"},
      {"drops", trace, "--capacity.factor", "1", "--md"},
      {"place", trace, "--ep.ranks", "2"},
      {"list", "\x1b[31mno-family"},
      {"\x1b]0;owned\x07"},
  };
  for (const auto& args : commands) {
    const std::string seen = on_a_terminal(args);
    EXPECT_FALSE(seen.empty()) << args[0];
    EXPECT_EQ(controls_in(seen), "") << args[0] << ": " << seen;
  }
  EXPECT_THAT(on_a_terminal({"trace", "info", trace + ".absent"}), HasSubstr("\\x1b[2J\\x07"));
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(LocaleTest, ACommaLocaleChangesNoByte) {
  const std::string locales = fresh_folder("locales");
  std::filesystem::create_directories(locales);
  if (std::filesystem::exists("/usr/bin/localedef") == false ||
      run_program({"/usr/bin/localedef", "-f", "UTF-8", "-i", "de_DE", locales + "/de_DE.UTF-8"})
              .exit_code > 1)
    GTEST_SKIP() << "localedef cannot make de_DE.UTF-8 here (apt-get install locales)";
  // Preloaded, it sets the locale from the environment, as a library of somebody else's may.
  const std::string preload =
      std::string("LD_PRELOAD=") + HOTEXPERT_BINARY_DIR + "/libset_locale.so";
  const std::string asan = "ASAN_OPTIONS=verify_asan_link_order=0";
  const std::vector<std::string> plain = {"LC_ALL=C", preload, asan};
  const std::vector<std::string> comma = {"LC_ALL=de_DE.UTF-8", "LOCPATH=" + locales, preload,
                                          asan};
  ASSERT_THAT(run_program({"/usr/bin/printf", "%.1f", "1,5"}, {comma[0], comma[1]}).out, "1,5");

  const std::string folder = fresh_folder("files");
  std::filesystem::create_directories(folder);
  const auto files = [&](const std::string& name, const std::vector<std::string>& environment) {
    const std::string base = folder + "/" + name;
    std::string all;
    const auto run = [&](std::vector<std::string> args, const std::string& file) {
      if (!file.empty()) args.insert(args.end(), {"-o", base + file});
      const auto result = run_hotexpert(args, environment);
      EXPECT_EQ(result.exit_code, 0) << args[0] << result.err;
      if (file != ".run") all += file.empty() ? result.out : read_file(base + file);
    };
    run({"plan", "scenarios/quickstart.toml", "--json"}, "");
    run({"plan", "scenarios/quickstart.toml", "--capacity.factor", "1.25", "--skew.target",
         "max_over_mean=1.8"},
        "");
    run({"trace", "gen", "--skew.model", "zipf:exponent=1.2", "--step.tokens", "64"},
        ".safetensors");
    run({"trace", "export", base + ".safetensors"}, ".csv");
    run({"trace", "export", base + ".csv"}, ".jsonl");
    run({"drops", base + ".csv", "--capacity.factor", "1,1.25", "--step.tokens", "64", "--csv"},
        "");
    run({"sweep", "scenarios/quickstart.toml", "--backend", "none"}, ".run");
    all += read_file(base + ".run/points.jsonl");
    run({"report", base + ".run"}, ".table.csv");
    return all;
  };
  const std::string in_c = files("same", plain);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string in_german = files("same", comma);
  EXPECT_GT(in_c.size(), 10000U);
  EXPECT_TRUE(in_c == in_german);
}

}  // namespace
}  // namespace hotexpert
