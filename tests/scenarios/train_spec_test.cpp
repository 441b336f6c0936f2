#include "scenarios/runner/train_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;

Scenario scenario_of(std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  Scenario scenario;
  for (const auto& [axis, value] : values) scenario.set(axis, value, "");
  return scenario;
}

const Json& value_of(const TrainSpec& spec, std::string_view axis) {
  for (const auto& [name, value] : spec.point) {
    if (name == axis) return value;
  }
  throw std::runtime_error("no such axis");
}

std::string message_of(const Scenario& scenario) {
  try {
    (void)expand_training(scenario);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TrainSpecTest, AMethodWithoutAWeightHasOnePoint) {
  const auto specs = expand_training(scenario_of({{"train.method", "none,megatron,bias"},
                                                  {"train.weight", "0.001,0.01,0.1"},
                                                  {"seed", "1,2,3"}}));
  EXPECT_EQ(specs.size(), 3U * (1 + 3 + 3));
  int without = 0;
  for (const auto& spec : specs) {
    if (value_of(spec, "train.method") != Json("none")) continue;
    EXPECT_EQ(value_of(spec, "train.weight"), Json("none"));
    ++without;
  }
  EXPECT_EQ(without, 3);
}

TEST(TrainSpecTest, TheWeightIsTheFirstMethodsCoefficient) {
  const auto specs = expand_training(
      scenario_of({{"train.method", "bias+sequence:weight=0.01"}, {"train.weight", "0.1"}}));
  ASSERT_EQ(specs.size(), 1U);
  EXPECT_EQ(specs[0].config.method, "bias:u=0.1+sequence:weight=0.01");
  EXPECT_EQ(value_of(specs[0], "train.method"), Json("bias+sequence:weight=0.01"));
  EXPECT_EQ(value_of(specs[0], "train.weight"), Json(0.1));
  EXPECT_THAT(specs[0].convention, HasSubstr("u = 0.1 in"));
}

TEST(TrainSpecTest, AnInlineCoefficientIsTheWeightOfItsPoint) {
  const auto specs =
      expand_training(scenario_of({{"train.method", "megatron:weight=0.5,megatron"}}));
  ASSERT_EQ(specs.size(), 2U);
  EXPECT_EQ(value_of(specs[0], "train.method"), Json("megatron"));
  EXPECT_EQ(value_of(specs[0], "train.weight"), Json(0.5));
  EXPECT_EQ(value_of(specs[1], "train.weight"), Json(0.01));
  EXPECT_THAT(
      message_of(scenario_of({{"train.method", "megatron:weight=0.5"}, {"train.weight", "0.1,1"}})),
      HasSubstr("write one of them"));
}

TEST(TrainSpecTest, DataAxesAreParametersOfTheClusters) {
  const auto specs =
      expand_training(scenario_of({{"train.data_skew", "0,1.5"}, {"train.data_noise", "0.25"}}));
  ASSERT_EQ(specs.size(), 2U);
  EXPECT_EQ(specs[0].config.task, "clusters:exponent=0:noise=0.25");
  EXPECT_EQ(specs[1].config.task, "clusters:exponent=1.5:noise=0.25");
  EXPECT_THAT(message_of(scenario_of({{"train.task", "text"}, {"train.data_skew", "1"}})),
              HasSubstr("train.data_skew: only the task 'clusters' has it"));
  EXPECT_THAT(message_of(scenario_of({{"train.data_skew", "99"}})), HasSubstr("exponent"));
}

TEST(TrainSpecTest, BadValuesEndBeforeAnythingIsTrained) {
  EXPECT_THAT(message_of(scenario_of({{"train.method", "none,megatorn"}})), HasSubstr("megatron"));
  EXPECT_THAT(message_of(scenario_of({{"train.method", "bias+sinkhorn"}})),
              HasSubstr("two methods decide"));
  EXPECT_THAT(message_of(scenario_of({{"train.method", "load"}, {"train.top_k", "16"}})),
              testing::Not(HasSubstr("no error")));
  EXPECT_THAT(message_of(scenario_of({{"train.task", "text"}})), HasSubstr("train.corpus"));
  EXPECT_THAT(message_of(scenario_of({{"train.task", "text"}, {"train.corpus", "/no/such"}})),
              HasSubstr("/no/such"));
  EXPECT_THAT(message_of(scenario_of({{"train.tokens", "1000"}})), HasSubstr("micro-batch"));
}

}  // namespace
}  // namespace hotexpert
