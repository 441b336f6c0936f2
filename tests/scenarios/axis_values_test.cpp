#include "scenarios/runner/axis_values.hpp"

#include <gtest/gtest.h>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

using Values = std::vector<std::string>;

Values parse(std::string_view axis, std::string_view text) {
  return parse_axis_values(find_axis(axis), text);
}

TEST(AxisValuesTest, ReadsListsRangesAndPowersOfTwo) {
  EXPECT_EQ(parse("step.tokens", "256,4096"), (Values{"256", "4096"}));
  EXPECT_EQ(parse("step.tokens", "2^4:2^7"), (Values{"16", "32", "64", "128"}));
  EXPECT_EQ(parse("step.tokens", "2^10"), (Values{"1024"}));
  EXPECT_EQ(parse("capacity.factor", "1:1.3:0.1"), (Values{"1", "1.1", "1.2", "1.3"}));
  EXPECT_EQ(parse("capacity.factor", "none,1.250"), (Values{"none", "1.25"}));
  EXPECT_EQ(parse("skew.model", "zipf:exponent=1.2, uniform"),
            (Values{"zipf:exponent=1.2", "uniform"}));
}

TEST(AxisValuesTest, RefusesWhatIsNoValueOfTheAxis) {
  const std::vector<std::pair<std::string_view, std::string_view>> bad = {
      {"step.tokens", "0"},      {"step.tokens", "two"},     {"step.tokens", "1.5"},
      {"step.tokens", ""},       {"step.tokens", "1,,2"},    {"step.tokens", "8:4:1"},
      {"step.tokens", "1:8"},    {"step.tokens", "1:9:0"},   {"step.tokens", "2^99"},
      {"step.tokens", "4,4"},    {"capacity.factor", "x"},   {"layer.dtype", "fp64"},
      {"trace.order", "sorted"}, {"step.tokens", "1:1e9:1"}, {"step.tokens", "2^9:2^4"}};
  for (const auto& [axis, text] : bad)
    EXPECT_THROW(parse(axis, text), UsageError) << axis << " " << text;
}

TEST(AxisValuesTest, NumbersAreNumbersInResults) {
  EXPECT_EQ(axis_value_json(find_axis("capacity.factor"), "1.25").dump(), "1.25");
  EXPECT_EQ(axis_value_json(find_axis("capacity.factor"), "2").dump(), "2");
  EXPECT_EQ(axis_value_json(find_axis("capacity.factor"), "none").dump(), "\"none\"");
  EXPECT_EQ(axis_value_json(find_axis("kernel"), "grouped").dump(), "\"grouped\"");
}

TEST(AxesTest, EveryDefaultIsAValueOfItsAxis) {
  for (const auto& axis : axes()) {
    EXPECT_EQ(parse_axis_values(axis, axis.default_value), Values{std::string(axis.default_value)})
        << axis.name;
    EXPECT_FALSE(axis.help.empty()) << axis.name;
    EXPECT_FALSE(axis.label.empty()) << axis.name;
  }
}

}  // namespace
}  // namespace hotexpert
