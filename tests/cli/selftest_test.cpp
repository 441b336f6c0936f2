#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;
using testing_support::run_program;

TEST(SelftestCommandTest, KernelsClosedFormsAndDigestAreRightOnThisMachine) {
  const auto result = run_hotexpert({"selftest", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.out;
  const Json json = Json::parse(result.out, "selftest");
  EXPECT_EQ(json.at("failed").as_integer(), 0);
  int kernels = 0;
  for (const auto& row : json.at("rows").as_array()) {
    kernels += row.at("check").as_string() == "kernels" && row.at("state").as_string() == "ok";
    EXPECT_NE(row.at("check").as_string(), "gate-on-equals") << "the clock only on request";
    if (row.at("state").as_string() == "skipped") {
      EXPECT_FALSE(row.at("note").as_string().empty());
    }
  }
  EXPECT_GE(kernels, 24);
}

TEST(SelftestCommandTest, AGroupIsRunAlone) {
  const Json json =
      Json::parse(run_hotexpert({"selftest", "--digest", "--json"}).out, "selftest --digest");
  EXPECT_EQ(json.at("failed").as_integer(), 0);
  std::set<std::string> digests;
  for (const auto& row : json.at("rows").as_array()) {
    EXPECT_THAT(row.at("check").as_string(), AnyOf("digest", "trained-digest"));
    if (row.at("check").as_string() == "digest") digests.insert(row.at("note").as_string());
  }
  EXPECT_EQ(digests.size(), 1U) << "threads, shards and a resumed run give one digest";
  EXPECT_EQ(digests.begin()->size(), 16U);
}

TEST(SelftestCommandTest, ACheckIsRunAloneByName) {
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"selftest", "--only", "eplb", "--json"},
           {"selftest", "--oracles", "--only", "eplb", "--json"}}) {
    const auto result = run_hotexpert(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const Json json = Json::parse(result.out, "selftest --only");
    const auto& rows = json.at("rows").as_array();
    ASSERT_FALSE(rows.empty());
    for (const auto& row : rows) EXPECT_EQ(row.at("check").as_string(), "eplb");
  }
  const auto unknown = run_hotexpert({"selftest", "--only", "elpb"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'eplb'? Known: kernels, "));
  const auto other_group = run_hotexpert({"selftest", "--timing", "--only", "eplb"});
  EXPECT_EQ(other_group.exit_code, 2);
  EXPECT_THAT(other_group.err, HasSubstr("one of --oracles"));
  EXPECT_THAT(run_hotexpert({"selftest", "--help"}).out, HasSubstr("loaded-core"));
}

std::string completed(const std::string& words) {
  const auto result = run_program(
      {"/bin/bash", "-c",
       std::string("eval \"$('") + HOTEXPERT_BINARY_DIR +
           "/hotexpert' completion bash)\"; COMP_WORDS=(" + words +
           "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _hotexpert; echo \"${COMPREPLY[*]}\""});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

TEST(CompletionTest, BashCompletesCommandsFlagsAndWords) {
  EXPECT_EQ(completed("hotexpert sw"), "sweep\n");
  EXPECT_EQ(completed("hotexpert sweep --capacity.f"), "--capacity.factor\n");
  EXPECT_EQ(completed("hotexpert sweep --layer.dtype b"), "bf16\n");
  EXPECT_EQ(completed("hotexpert compare --fail"), "--fail-on\n");
  EXPECT_EQ(completed("hotexpert selftest --onl"), "--only\n");
}

TEST(CompletionTest, EveryShellKnowsEveryCommandAndItsOptions) {
  const std::string help = run_hotexpert({"--help"}).out;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = run_hotexpert({"completion", shell}).out;
    for (const char* word : {"selftest", "compare", "capacity.factor", "across-machines", "swiglu"})
      EXPECT_THAT(script, HasSubstr(word)) << shell;
    const std::string path = fresh_folder(shell);
    std::ofstream(path) << script;
    const std::string program = std::string("/usr/bin/") + shell;
    if (!std::ifstream(program).good()) continue;
    EXPECT_EQ(run_program({program, "-n", path}).exit_code, 0) << shell << " cannot read it";
  }
  EXPECT_EQ(run_hotexpert({"completion", "tcsh"}).exit_code, 2);
}

TEST(ManualTest, TheManualPageNamesEveryCommandAxisAndExitCode) {
  const std::string page = run_hotexpert({"manual"}).out;
  for (const char* text : {".TH HOTEXPERT 1", "hotexpert sweep", "\\-\\-fail\\-on",
                           "\\-\\-capacity.factor", ".SH EXIT STATUS", "required device missing"})
    EXPECT_THAT(page, HasSubstr(text));
  if (!std::ifstream("/usr/bin/groff").good()) GTEST_SKIP() << "groff is not installed";
  const std::string path = fresh_folder("hotexpert.1");
  std::ofstream(path) << page;
  const auto shown = run_program({"/usr/bin/groff", "-ww", "-man", "-Tascii", path});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_EQ(shown.err, "") << "roff warns of nothing";
}

}  // namespace
}  // namespace hotexpert
