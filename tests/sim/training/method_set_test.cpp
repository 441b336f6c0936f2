#include "sim/training/method_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/errors.hpp"
#include "sim/training/methods/fp_losses.hpp"

namespace hotexpert::training {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& text) {
  try {
    make_methods<float>(text, {8, 2, ScoreFunction::kSoftmax});
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(MethodSetTest, ReadsACombination) {
  const auto methods = parse_methods("bias+sequence:weight=0.5+z-loss");
  ASSERT_EQ(methods.size(), 3U);
  EXPECT_EQ(methods[1].row->name, "sequence");
  EXPECT_EQ(methods[1].choice.get("weight"), 0.5);
  EXPECT_EQ(to_string(methods), "bias+sequence:weight=0.5+z-loss");
  const auto set = make_methods<float>("bias+sequence+z-loss", {8, 2, ScoreFunction::kSoftmax});
  EXPECT_EQ(set.losses.size(), 2U);
  EXPECT_NE(set.rule, nullptr);
  EXPECT_FALSE(set.noisy);
  EXPECT_TRUE(make_methods<float>("importance+load", {8, 2, ScoreFunction::kSoftmax}).noisy);
}

TEST(MethodSetTest, RefusesWhatCannotBeCombined) {
  EXPECT_THAT(error_of("biass"), HasSubstr("did you mean 'bias'"));
  EXPECT_THAT(error_of("bias+bias"), HasSubstr("'bias' is given twice"));
  EXPECT_THAT(error_of("none+bias"), HasSubstr("'none' cannot be combined"));
  EXPECT_THAT(error_of("bias+sinkhorn"), HasSubstr("two methods decide where tokens go"));
  EXPECT_THAT(error_of("megatron:u=1"), HasSubstr("unknown parameter"));
  EXPECT_THAT(error_of("megatron:weight=-1"), HasSubstr("outside"));
  EXPECT_THAT(error_of("megatron+"), HasSubstr("unknown balancing method ''"));
}

TEST(MethodSetTest, PrintsEachCoefficientWithItsConvention) {
  const std::string text = describe(parse_methods("bias:u=0.002+mixtral-hf:weight=0.02"));
  EXPECT_THAT(text, HasSubstr("bias: u = 0.002 in "));
  EXPECT_THAT(text, HasSubstr("mixtral-hf: weight = 0.02 in alpha E sum f_i P_i, f = c_i / T; k "
                              "alpha at perfect balance"));
}

TEST(MethodSetTest, WeightSetsTheFirstCoefficientOnly) {
  EXPECT_EQ(with_weight("bias+sequence:weight=0.5", 0.25), "bias:u=0.25+sequence:weight=0.5");
  EXPECT_EQ(with_weight("megatron", 0.01), "megatron");  // its default
  EXPECT_EQ(with_weight("none", 0.25), "none");
  EXPECT_TRUE(takes_weight("importance+load"));
  EXPECT_FALSE(takes_weight("sinkhorn"));
  EXPECT_THROW(with_weight("megatron", -1), UsageError);
}

TEST(TranslationTest, KeepsThePullAtPerfectBalance) {
  EXPECT_DOUBLE_EQ(*translate_weight("mixtral-hf", "megatron", 0.01, 4).weight, 0.04);
  EXPECT_DOUBLE_EQ(*translate_weight("megatron", "mixtral-hf", 0.01, 4).weight, 0.0025);
  EXPECT_DOUBLE_EQ(*translate_weight("deepseek", "megatron", 0.3, 8).weight, 0.3);
  EXPECT_EQ(translate_weight("megatron", "deepseek", 0.3, 8).remark,
            "Equal pull at balance, but in deepseek sigmoid scores are normalised first.");
  EXPECT_THAT(translate_weight("megatron", "gshard", 1, 2).remark,
              HasSubstr("only first choices are counted, each sequence is balanced on its own"));
}

TEST(TranslationTest, ThereAndBackIsTheSameWeight) {
  for (const auto& from : kFpConventions) {
    for (const auto& to : kFpConventions) {
      const double there = *translate_weight(from.name, to.name, 0.02, 3).weight;
      EXPECT_DOUBLE_EQ(*translate_weight(to.name, from.name, there, 3).weight, 0.02);
    }
  }
}

TEST(TranslationTest, SaysWhenThereIsNoEquivalent) {
  EXPECT_EQ(translate_weight("megatron", "bias", 0.01, 2).weight, std::nullopt);
  EXPECT_THAT(translate_weight("megatron", "bias", 0.01, 2).remark,
              HasSubstr("bias is not a loss"));
  EXPECT_EQ(translate_weight("bias", "bias", 0.01, 2).weight, 0.01);
  EXPECT_THROW(translate_weight("megatron", "bios", 0.01, 2), UsageError);
}

TEST(MethodListTest, EveryRowIsComplete) {
  for (const auto& row : balancing_methods()) {
    EXPECT_FALSE(row.summary.empty()) << row.name;
    EXPECT_NE(row.make_float, nullptr) << row.name;
    EXPECT_NE(row.make_double, nullptr) << row.name;
    EXPECT_EQ(row.coefficient.empty(), row.convention.empty()) << row.name;
    if (!row.coefficient.empty()) {
      EXPECT_NE(with_weight(row.name, 0.125).find("0.125"), std::string::npos) << row.name;
    }
  }
}

}  // namespace
}  // namespace hotexpert::training
