#include "sim/base/params.hpp"

#include <gtest/gtest.h>

#include <array>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::array kSpecs = {ParamSpec{"exponent", 1.0, 0.0, 10.0, "Zipf exponent"},
                               ParamSpec{"order", 0, 0, 0, "tile order", "expert|hot-first"}};

TEST(NamedChoiceTest, FillsDefaultsAndPrintsOnlyWhatDiffers) {
  const auto choice = NamedChoice::parse("zipf:exponent=1.5", kSpecs, "skew model");
  EXPECT_EQ(choice.name(), "zipf");
  EXPECT_EQ(choice.get("exponent"), 1.5);
  EXPECT_EQ(choice.get_word("order"), "expert");
  EXPECT_EQ(choice.to_string(), "zipf:exponent=1.5");
  EXPECT_EQ(NamedChoice::parse("zipf:order=hot-first:exponent=1", kSpecs, "m").to_string(),
            "zipf:order=hot-first");
}

TEST(NamedChoiceTest, RefusesUnknownRepeatedMalformedAndOutOfRange) {
  for (const char* text :
       {"zipf:exponnt=1", "zipf:exponent=1:exponent=2", "zipf:exponent", "zipf:exponent=x",
        "zipf:exponent=11", "zipf:exponent=nan", "zipf:order=cold", "zipf:"}) {
    EXPECT_THROW(NamedChoice::parse(text, kSpecs, "skew model"), UsageError) << text;
  }
}

TEST(RegistryTest, NamesTheNearestKnownName) {
  EXPECT_EQ(nearest_name("zipff", {"uniform", "zipf", "hot"}), "zipf");
  EXPECT_EQ(nearest_name("completely-else", {"uniform", "zipf"}), "");
  EXPECT_EQ(unknown_name_message("skew model", "zip", {"zipf", "hot"}),
            "unknown skew model 'zip'; did you mean 'zipf'? Known: zipf, hot");
}

}  // namespace
}  // namespace hotexpert
