#include "sim/model/published_data.hpp"

#include <gtest/gtest.h>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr const char* kHeader =
    "framework,moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,"
    "moe_ep_size,distribution,latency,model_shape\n";

std::string line(const std::string& tokens, const std::string& ranks, const std::string& routing,
                 const std::string& latency) {
  return "X,bfloat16," + tokens + ",2048,768,8,128,2," + ranks + "," + routing + "," + latency +
         ",M\n";
}

TEST(PublishedDataTest, ReadsRowsInSiUnitsWithTheWidthOfOneRank) {
  const auto rows = parse_published_csv(kHeader + line("4", "8", "power_law_1.2", "0.5"), "a.csv");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].num_tokens, 4);
  EXPECT_EQ(rows[0].shape.d_ff, 384);
  EXPECT_EQ(rows[0].local_experts(), 16);
  EXPECT_DOUBLE_EQ(rows[0].alpha, 1.2);
  EXPECT_DOUBLE_EQ(rows[0].latency_s, 0.5e-3);
  EXPECT_EQ(rows[0].model, "M");
}

TEST(PublishedDataTest, WithoutANameTheShapeNamesItself) {
  const std::string text =
      "num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution,"
      "latency\r\n1,4096,1536,8,128,1,1,balanced,1\r\n";
  EXPECT_EQ(parse_published_csv(text, "a.csv")[0].model, "4096x1536-E128-k8");
}

void expect_refused(const std::string& text, const std::string& words) {
  try {
    (void)parse_published_csv(text, "a.csv");
    FAIL() << "accepted: " << text;
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(PublishedDataTest, BadInputIsRefusedWithItsLineAndColumn) {
  expect_refused("", "no rows");
  expect_refused("a,b\n1,2\n", "a.csv:1: no column 'num_tokens'");
  expect_refused(kHeader, "no rows");
  expect_refused(kHeader + line("4", "8", "balanced", "0.5") + "1,2\n", "a.csv:3: 2 cells");
  expect_refused(kHeader + line("x", "8", "balanced", "0.5"), "a.csv:2: ");
  expect_refused(kHeader + line("0", "8", "balanced", "0.5"), "num_tokens is '0'");
  expect_refused(kHeader + line("4", "7", "balanced", "0.5"), "a divisor of num_experts");
  expect_refused(kHeader + line("4", "8", "zipf", "0.5"), "distribution is 'zipf'");
  expect_refused(kHeader + line("4", "8", "power_law_1", "0.5"), "other than 1");
  expect_refused(kHeader + line("4", "8", "balanced", "nan"), "a.csv:2: latency: 'nan'");
  EXPECT_THROW((void)read_published_csv("/no/such/file.csv"), InputError);
}

TEST(PublishedDataTest, ARowIsAnomalousWhenMoreTokensTakeLessThanHalfItsTime) {
  const auto rows = parse_published_csv(
      kHeader + line("1", "8", "balanced", "1.0") + line("2", "8", "balanced", "2.1") +
          line("4", "8", "balanced", "1.0") + line("1", "4", "balanced", "9.0"),
      "a.csv");
  EXPECT_EQ(find_anomalies(rows), (std::vector<bool>{false, true, false, false}));
}

TEST(PublishedDataTest, ACacheFileIsShadowedByALongerNameWithTheSameBeginning) {
  EXPECT_TRUE(tuner_cache_is_shadowed(128, 128));  // 1 begins 128 and 16
  EXPECT_FALSE(tuner_cache_is_shadowed(128, 64));  // 2
  EXPECT_FALSE(tuner_cache_is_shadowed(128, 8));   // 16
  EXPECT_FALSE(tuner_cache_is_shadowed(8, 8));     // 1, but no other count begins with 1
  EXPECT_TRUE(tuner_cache_is_shadowed(256, 128));  // 2 begins 256
  EXPECT_TRUE(tuner_cache_is_shadowed(384, 128));  // 3 begins 384
}

}  // namespace
}  // namespace hotexpert
