#include <gtest/gtest.h>

#include <filesystem>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing_support::fresh_folder;
using testing_support::run_hotexpert;
using testing_support::run_program;

TEST(DeterminismTest, CountedResultsDoNotDependOnThreads) {
  const std::vector<std::string> args = {"plan",
                                         "scenarios/quickstart.toml",
                                         "--json",
                                         "--layer.preset",
                                         "qwen3-30b-a3b",
                                         "--layer.scale",
                                         "64",
                                         "--capacity.policy",
                                         "position,probs",
                                         "--skew.layers",
                                         "3",
                                         "--jobs"};
  std::string first;
  for (const char* jobs : {"1", "2", "3"}) {
    auto all = args;
    all.emplace_back(jobs);
    const auto result = run_hotexpert(all);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    if (first.empty()) first = result.out;
    EXPECT_EQ(result.out, first) << jobs << " threads";
  }
  EXPECT_GT(first.size(), 1000U);
}

/// What `selftest --digest` says of the counted points, once its rows agree.
std::string digest_under(const std::vector<std::string>& environment) {
  const auto result = run_hotexpert({"selftest", "--digest", "--json"}, environment);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  std::string digest;
  const Json json = Json::parse(result.out, "selftest");
  for (const auto& row : json.at("rows").as_array())
    if (row.at("check").as_string() == "digest") digest = row.at("note").as_string();
  return digest;
}

constexpr const char* kWithoutFma = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA";

TEST(DeterminismTest, TheDigestDoesNotDependOnTheFmaVariantOfTheMathLibrary) {
  EXPECT_EQ(digest_under({kWithoutFma}), digest_under({}));
  // The switch does something here: some of the library's results change their last bit.
  const auto bits = [](const std::vector<std::string>& environment) {
    return run_program({"/usr/bin/python3", "-c",
                        "import math; print(hash(tuple(f(i / 997) for i in range(1, 50000) for f "
                        "in (math.exp, math.log, math.sin, math.cos))))"},
                       environment)
        .out;
  };
  const auto usual = bits({"PYTHONHASHSEED=0"});
  if (usual.empty())
    GTEST_SKIP() << "digests are equal; without python3 nothing shows that the "
                    "switch matters on this processor";
  if (usual == bits({"PYTHONHASHSEED=0", kWithoutFma}))
    GTEST_SKIP() << "digests are equal, but the switch changes no result on this processor";
}

TEST(DeterminismTest, TheDigestDoesNotDependOnALocaleWithDecimalCommas) {
  const auto folder = fresh_folder("locale");
  std::filesystem::create_directories(folder);
  (void)run_program({"/usr/bin/localedef", "-i", "de_DE", "-f", "UTF-8", folder + "/de_DE.utf8"});
  if (!std::filesystem::exists(folder + "/de_DE.utf8/LC_NUMERIC"))
    GTEST_SKIP() << "localedef knows no de_DE here (package locales)";
  EXPECT_EQ(digest_under({"LOCPATH=" + folder, "LC_ALL=de_DE.utf8"}), digest_under({}));
}

}  // namespace
}  // namespace hotexpert
