#include "sim/model/metric_league.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

TEST(MetricLeagueTest, RankCorrelationMatchesHandWorkedCases) {
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3, 4}, {10, 20, 30, 99}), 1);
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3, 4}, {4, 3, 2, 1}), -1);
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3}, {7, 7, 7}), 0);
  // d = (0, 1, -1, 0): rho = 1 - 6 * 2 / (4 * 15).
  EXPECT_NEAR(rank_correlation({1, 2, 3, 4}, {1, 3, 2, 4}), 0.8, 1e-12);
  // Ties share their mean rank: x ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3.
  EXPECT_NEAR(rank_correlation({1, 2, 2, 5}, {1, 2, 3, 4}), 4.5 / std::sqrt(4.5 * 5), 1e-12);
}

TEST(MetricLeagueTest, AWrongMetricIsRankedLastAndTheCauseFirst) {
  RandomStream random({1, RandomPurpose::kTest, 0, 0}, 0);
  std::vector<LeagueSample> samples;
  for (int i = 0; i < 200; ++i) {
    const double cause = random.uniform();
    const double noisy = cause + 0.3 * random.normal();
    const double ratio = std::exp(cause + 0.02 * random.normal());
    samples.push_back({"only", ratio, {random.uniform(), noisy, cause}});
  }
  const auto league = metric_league({"wrong", "noisy", "cause"}, samples);
  ASSERT_EQ(league.size(), 3U);
  EXPECT_EQ(league[0].metric, "cause");
  EXPECT_EQ(league[1].metric, "noisy");
  EXPECT_EQ(league[2].metric, "wrong");
  EXPECT_LT(league[0].held_out_error, 0.03);
  EXPECT_GT(league[2].held_out_error, 3 * league[0].held_out_error);
}

TEST(MetricLeagueTest, ASampleWithTheWrongNumberOfValuesIsRefused) {
  EXPECT_THROW((void)metric_league({"a", "b"}, {{"r", 1.0, {1}}}), UsageError);
}

TEST(MetricLeagueTest, OnPublishedLatenciesMaxOverMeanOfExpertsNeverLeads) {
  const std::string path =
      std::string(HOTEXPERT_SOURCE_DIR) + "/../shared/h100/moe_layer_latency_bf16_ep.csv";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no published latencies at " << path;
  const auto samples = published_samples(read_published_csv(path), 4);
  const auto league = metric_league(published_metric_names(), samples);
  std::map<std::string, std::string> leader;
  for (const auto& row : league) leader.emplace(row.regime, row.metric);
  EXPECT_EQ(leader.at("tokens 1-64, one rank"), "load.active_experts");
  EXPECT_EQ(leader.at("tokens 1-64, expert parallel"), "load.active_experts");
  EXPECT_EQ(leader.at("tokens above 1024, expert parallel"), "rank.cv");
  for (const auto& row : league) {
    const bool crowded = row.regime.ends_with("expert parallel");
    if (crowded && row.metric == "load.max_over_mean") {
      EXPECT_LT(std::abs(row.rank_correlation), 0.3) << row.regime;
    }
  }
}

}  // namespace
}  // namespace hotexpert
