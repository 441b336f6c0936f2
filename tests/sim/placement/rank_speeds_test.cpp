#include "sim/placement/rank_speeds.hpp"

#include <gtest/gtest.h>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

using Speeds = std::vector<double>;

TEST(RankSpeedsTest, ReadsAFactorForEachRankOrForNamedOnes) {
  EXPECT_EQ(parse_rank_speeds("1,0.5,2", 3), (Speeds{1, 0.5, 2}));
  EXPECT_EQ(parse_rank_speeds("1+0.5+2", 3), (Speeds{1, 0.5, 2}));
  EXPECT_EQ(parse_rank_speeds("2=0.8", 4), (Speeds{1, 1, 0.8, 1}));
  EXPECT_EQ(parse_rank_speeds("0=0.8+3=1.5", 4), (Speeds{0.8, 1, 1, 1.5}));
  EXPECT_TRUE(parse_rank_speeds("none", 4).empty());
}

TEST(RankSpeedsTest, RefusesWhatHasNoMeaning) {
  for (const char* text : {"1,1", "0=0", "0=-1", "4=1", "-1=1", "x", "0=0.5+1", "0=inf", "0=nan"})
    EXPECT_THROW(parse_rank_speeds(text, 3), UsageError) << text;
}

}  // namespace
}  // namespace hotexpert
