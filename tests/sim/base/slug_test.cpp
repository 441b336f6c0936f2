#include "sim/base/slug.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/base/random.hpp"
#include "tests/support/strange_names.hpp"

namespace hotexpert {
namespace {

TEST(SlugTest, KeepsWhatIsPlainAndJoinsTheRest) {
  EXPECT_EQ(slug("load.by_expert"), "load.by_expert");
  EXPECT_EQ(slug("Quickstart: 8 experts"), "Quickstart-8-experts");
  EXPECT_EQ(slug("  ../..//etc/passwd "), "etc-passwd");
  EXPECT_EQ(slug("--help"), "help");
  EXPECT_EQ(slug("x.", 80), "x");
  EXPECT_EQ(slug("\u5b9e\u9a8c"), "unnamed");
  EXPECT_EQ(slug(std::string(300, 'a')).size(), 80U);
}

TEST(SlugTest, TwoThousandStrangeNamesStayInTheirFolder) {
  for (const auto& name : testing_support::strange_names(2000)) {
    const std::string safe = slug(name, 40);
    ASSERT_FALSE(safe.empty());
    ASSERT_LE(safe.size(), 40U);
    ASSERT_TRUE(safe[0] != '.' && safe[0] != '-') << safe;
    ASSERT_EQ(safe.find(".."), safe.npos) << safe;
    ASSERT_TRUE(std::all_of(safe.begin(), safe.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-' || c == '.';
    })) << safe;
  }
}

}  // namespace
}  // namespace hotexpert
