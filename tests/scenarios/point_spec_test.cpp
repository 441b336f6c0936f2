#include "scenarios/runner/point_spec.hpp"

#include <gtest/gtest.h>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

AxisChoice defaults(std::initializer_list<std::pair<std::string_view, std::string>> changes = {}) {
  AxisChoice choice = Scenario().expand(kSweepScopes).front();
  for (const auto& [axis, value] : changes) choice[axis] = value;
  return choice;
}

TEST(PointSpecTest, PresetsGiveTheShapeAndKeysOverrideIt) {
  const auto spec = make_point_spec(
      defaults({{"layer.preset", "deepseek-v3"}, {"layer.scale", "8"}, {"layer.top_k", "4"}}));
  EXPECT_EQ(spec.shape.num_experts, 256);
  EXPECT_EQ(spec.shape.top_k, 4);
  EXPECT_EQ(spec.shape.d_model, 896);
  EXPECT_EQ(spec.shape.d_ff, 256);
  EXPECT_EQ(spec.shape.num_shared_experts, 1);
}

TEST(PointSpecTest, ImpossibleChoicesAreUsageErrors) {
  EXPECT_THROW(make_point_spec(defaults({{"layer.top_k", "9"}})), UsageError);
  EXPECT_THROW(make_point_spec(defaults({{"layer.preset", "gpt-5"}})), UsageError);
  EXPECT_THROW(make_point_spec(defaults({{"layer.experts", "99999999999"}})), UsageError);
  EXPECT_THROW(make_point_spec(defaults({{"measure.batch", "coldest"}})), UsageError);
  EXPECT_THROW(make_point_spec(defaults({{"skew.model", "recorded"}})), UsageError);
}

TEST(PointSpecTest, PointsHoldResolvedNumbers) {
  const auto point = to_point(make_point_spec(defaults({{"layer.preset", "olmoe"}})));
  bool found = false;
  for (const auto& [axis, value] : point) {
    if (axis != "layer.experts") continue;
    found = true;
    EXPECT_EQ(value.as_integer(), 64);
  }
  EXPECT_TRUE(found);
}

TEST(PointSpecTest, OnlyTheModelBackendHasADeviceAndItNeedsOne) {
  const auto device_of = [](const PointSpec& spec) {
    for (const auto& [axis, value] : to_point(spec)) {
      if (axis == "device") return value.as_string();
    }
    return std::string("absent");
  };
  EXPECT_THROW(make_point_spec(defaults({{"backend", "model"}})), UsageError);
  const auto modelled = make_point_spec(defaults({{"backend", "model"}, {"device", "a100"}}));
  EXPECT_EQ(modelled.device, "a100");
  EXPECT_EQ(device_of(modelled), "a100");
  const auto timed = make_point_spec(defaults({{"backend", "cpu"}, {"device", "a100"}}));
  EXPECT_EQ(timed.device, "");
  EXPECT_EQ(device_of(timed), "none");
}

TEST(PointSpecTest, EveryArmOfACapacityComparisonSeesTheSameTokens) {
  const auto a = make_point_spec(defaults({{"capacity.factor", "1.25"}, {"kernel", "padded"}}));
  const auto b = make_point_spec(defaults({{"capacity.factor", "none"}, {"kernel", "grouped"}}));
  EXPECT_EQ(a.trace, b.trace);
}

}  // namespace
}  // namespace hotexpert
