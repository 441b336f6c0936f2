#include "sim/base/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sim/base/errors.hpp"
#include "sim/base/json_items.hpp"

namespace hotexpert {
namespace {

TEST(JsonTest, RoundTripsEveryKindOfValue) {
  const std::string text =
      R"({"a":[1,-2.5,1e-300,true,null],"b":{"c":"x\"\u0001y"},"d":[],"e":{}})";
  const Json value = Json::parse(text, "test");
  EXPECT_EQ(value.dump(), text);
  EXPECT_EQ(Json::parse(value.dump(2), "test"), value);
}

TEST(JsonTest, DoublesKeepEveryBit) {
  for (const double number : {0.1, 1.0 / 3.0, 1e308, 5e-324, -0.0, 123456789.123}) {
    EXPECT_EQ(Json::parse(Json(number).dump(), "test").as_double(), number);
  }
}

TEST(JsonTest, ErrorsNameTheFileLineAndColumn) {
  try {
    (void)Json::parse("{\n  \"a\": oops}", "file.json");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("file.json:2:"), std::string::npos) << error.what();
  }
}

TEST(JsonTest, RefusesDuplicateKeysDeepNestingAndTrailingText) {
  EXPECT_THROW((void)Json::parse(R"({"a":1,"a":2})", "t"), InputError);
  EXPECT_THROW((void)Json::parse(std::string(500, '['), "t"), InputError);
  EXPECT_THROW((void)Json::parse("1 2", "t"), InputError);
  EXPECT_THROW((void)Json::parse("", "t"), InputError);
  EXPECT_THROW((void)Json::parse("1e999", "t"), InputError);
  EXPECT_THROW((void)Json::parse("NaN", "t"), InputError);
}

TEST(JsonTest, NegativeZeroKeepsItsSign) {
  const std::string text = Json(-0.0).dump();
  EXPECT_TRUE(std::signbit(Json::parse(text, "t").as_double())) << text;
}

TEST(JsonTest, NeverWritesNan) {
  EXPECT_THROW((void)Json(std::numeric_limits<double>::quiet_NaN()).dump(), Error);
}

TEST(JsonTest, ReadersSayWhatTheyFound) {
  EXPECT_THROW((void)Json("text").as_double(), InputError);
  EXPECT_THROW((void)Json(1.5).as_integer(), InputError);
  EXPECT_EQ(Json(3.0).as_integer(), 3);
  EXPECT_THROW((void)Json::object().at("missing"), InputError);
}

TEST(JsonTest, ItemsAreVisitedInOrderAndLeftOutOfTheValue) {
  std::vector<std::string> items;
  const std::vector<JsonItems> rows = {
      {"rows", [&](const Json& item, const std::string&) { items.push_back(item.dump()); }}};
  const Json rest = parse_json_items(
      R"({"a":{"rows":[9]},"rows":[[1,[2]],{"rows":[3]},4,"five"],"z":[6,7]})", "x", rows);
  EXPECT_EQ(items, (std::vector<std::string>{"[1,[2]]", "{\"rows\":[3]}", "4", "\"five\""}));
  EXPECT_EQ(rest.dump(), R"({"a":{"rows":[9]},"rows":[],"z":[6,7]})");
  items.clear();
  EXPECT_EQ(parse_json_items(R"([{"rows":[1]}])", "x", rows).dump(), R"([{"rows":[1]}])");
  EXPECT_TRUE(items.empty());
  EXPECT_THROW(parse_json_items(R"({"rows":[1,2)", "x", rows), InputError);
}

TEST(JsonTest, ItemsOfATableComeWithTheirNamesAndPartsDoNotMix) {
  std::vector<std::string> items;
  const auto tell = [&](const Json& item, const std::string& name) {
    items.push_back(name + "=" + item.dump());
  };
  const Json rest = parse_json_items(R"({"t":{"x":[1],"y":{"x":2}},"l":[3],"n":4})", "x",
                                     {{"t", tell}, {"l", tell}, {"n", tell}});
  EXPECT_EQ(items, (std::vector<std::string>{"x=[1]", "y={\"x\":2}", "=3"}));
  EXPECT_EQ(rest.dump(), R"({"t":{},"l":[],"n":4})");
  EXPECT_THROW(parse_json_items(R"({"t":{"x":1,"x":2}})", "x", {{"t", tell}}), InputError);
}

}  // namespace
}  // namespace hotexpert
