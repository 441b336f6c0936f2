#include "sim/model/load_summary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sim/metrics/binomial.hpp"

namespace hotexpert {
namespace {

TEST(LoadSummaryTest, CountsTilesOfEveryExpertRoundedUp) {
  const std::vector<std::int64_t> rows = {0, 1, 16, 17, 300};
  const LoadSummary load = summarize(100, rows);
  EXPECT_EQ(load.tokens, 100);
  EXPECT_EQ(load.experts, 5);
  EXPECT_EQ(load.rows, 334);
  EXPECT_EQ(load.active, 4);
  EXPECT_EQ(load.max_rows, 300);
  for (std::size_t i = 0; i < kRowTiles.size(); ++i) {
    double expected = 0;
    for (const auto m : rows) expected += std::ceil(static_cast<double>(m) / kRowTiles[i]);
    EXPECT_EQ(load.row_tiles[i], expected) << kRowTiles[i];
    EXPECT_EQ(row_tile_index(kRowTiles[i]), i);
  }
}

TEST(LoadSummaryTest, PaddedLoadsAreTheSummaryOfEqualExperts) {
  const std::vector<std::int64_t> rows(6, 70);
  const LoadSummary counted = summarize(9, rows);
  const LoadSummary padded = padded_summary(9, 6, 70, 400);
  EXPECT_EQ(padded.rows, counted.rows);
  EXPECT_EQ(padded.token_rows, 400);
  EXPECT_EQ(counted.token_rows, counted.rows);
  EXPECT_EQ(padded.active, counted.active);
  EXPECT_EQ(padded.row_tiles, counted.row_tiles);
  EXPECT_EQ(padded_summary(9, 6, 0, 0).active, 0);
}

TEST(LoadSummaryTest, UniformLoadsFollowTheBinomialLaw) {
  LayerShape shape;
  shape.num_experts = 128;
  shape.top_k = 8;
  for (const std::int64_t tokens : {1, 7, 64, 1024, 8192}) {
    const LoadSummary load = uniform_summary(shape, 16, tokens);
    const long double p = 8.0L / 128;
    EXPECT_NEAR(load.rows, 16 * static_cast<double>(tokens) / 16.0, 1e-9);
    EXPECT_NEAR(load.active, 16 * (1 - std::pow(15.0 / 16, tokens)), 1e-9);
    for (std::size_t i = 0; i < kRowTiles.size(); ++i) {
      long double expected = 0;
      for (std::int64_t x = 0; x <= tokens; ++x) {
        expected += binomial_probability(tokens, p, x) *
                    static_cast<long double>((x + kRowTiles[i] - 1) / kRowTiles[i]);
      }
      EXPECT_NEAR(load.row_tiles[i], static_cast<double>(16 * expected), 1e-9) << tokens;
    }
  }
}

TEST(LoadSummaryTest, EveryExpertIsSureWhenKEqualsE) {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 4;
  const LoadSummary load = uniform_summary(shape, 4, 33);
  EXPECT_EQ(load.active, 4);
  EXPECT_EQ(load.row_tiles[row_tile_index(32)], 8);
}

}  // namespace
}  // namespace hotexpert
