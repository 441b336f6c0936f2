#include <gtest/gtest.h>

#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing_support::run_hotexpert;

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

}  // namespace
}  // namespace hotexpert
