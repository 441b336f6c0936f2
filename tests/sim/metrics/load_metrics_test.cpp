#include "sim/metrics/load_metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"
#include "sim/core/metric_catalogue.hpp"

namespace hotexpert {
namespace {

using Loads = std::vector<std::int64_t>;

LoadMatrix matrix(std::int64_t steps, int layers, const std::vector<Loads>& rows) {
  LoadMatrix out(steps, layers, static_cast<int>(rows.front().size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto at = out.at(static_cast<std::int64_t>(i) / layers,
                           static_cast<int>(i % static_cast<std::size_t>(layers)));
    std::copy(rows[i].begin(), rows[i].end(), at.begin());
  }
  return out;
}

std::map<std::string, Measurement> by_name(const std::vector<Measurement>& all) {
  std::map<std::string, Measurement> out;
  for (const auto& m : all) out[m.metric] = m;
  return out;
}

TEST(LoadMetricsTest, OneVectorFollowsEachDefinition) {
  const Loads load = {6, 0, 3, 3};  // mean 3
  EXPECT_DOUBLE_EQ(max_over_mean(load), 2.0);
  EXPECT_DOUBLE_EQ(max_vio(load), 1.0);
  EXPECT_DOUBLE_EQ(load_cv(load), std::sqrt((9 + 9 + 0 + 0) / 4.0) / 3);
  // |6-0|+|6-3|+|6-3|+|0-3|+|0-3|+|3-3| = 18, both ways 36; / (2 * 16 * 3)
  EXPECT_DOUBLE_EQ(load_gini(load), 36.0 / 96.0);
  const double entropy = -0.5 * std::log(0.5) - 2 * 0.25 * std::log(0.25);
  EXPECT_NEAR(load_entropy(load), entropy, 1e-15);
  EXPECT_NEAR(effective_experts(load), std::exp(entropy), 1e-14);
  EXPECT_EQ(active_experts(load), 3);
}

TEST(LoadMetricsTest, ExtremesReachTheBoundsOfEachRange) {
  const Loads one_hot = {0, 0, 0, 20};
  EXPECT_DOUBLE_EQ(max_over_mean(one_hot), 4.0);
  EXPECT_DOUBLE_EQ(load_gini(one_hot), 0.75);
  EXPECT_DOUBLE_EQ(load_entropy(one_hot), 0.0);
  EXPECT_DOUBLE_EQ(effective_experts(one_hot), 1.0);
  EXPECT_DOUBLE_EQ(load_cv(one_hot), std::sqrt(3.0));
  const Loads equal(8, 5);
  EXPECT_DOUBLE_EQ(max_over_mean(equal), 1.0);
  EXPECT_DOUBLE_EQ(load_gini(equal), 0.0);
  EXPECT_NEAR(effective_experts(equal), 8.0, 1e-13);
}

TEST(LoadMetricsTest, NoLoadIsDefinedAndNeverNan) {
  for (const Loads& load : {Loads{}, Loads(5, 0)}) {
    EXPECT_EQ(max_over_mean(load), 1.0);
    EXPECT_EQ(max_vio(load), 0.0);
    EXPECT_EQ(load_cv(load), 0.0);
    EXPECT_EQ(load_gini(load), 0.0);
    EXPECT_EQ(load_entropy(load), 0.0);
    EXPECT_EQ(effective_experts(load), 0.0);
    EXPECT_EQ(active_experts(load), 0);
  }
  EXPECT_EQ(max_over_mean(std::span<const double>{}), 1.0);
  for (const auto& m : load_metrics(LoadMatrix(2, 2, 3), ExpertPlacement::contiguous(3, 3))) {
    EXPECT_TRUE(std::isfinite(m.value)) << m.metric;
  }
  for (const auto& m : load_metrics(LoadMatrix(0, 2, 3), ExpertPlacement::contiguous(3, 3))) {
    EXPECT_TRUE(std::isfinite(m.value)) << m.metric;
    EXPECT_FALSE(m.percentiles) << m.metric;
  }
}

TEST(LoadMetricsTest, EveryMetricIsInTheCatalogue) {
  const auto all = load_metrics(matrix(1, 1, {{1, 2}}), ExpertPlacement::contiguous(2));
  EXPECT_EQ(all.size(), 13U);
  for (const auto& m : all) EXPECT_NE(find_metric(m.metric), nullptr) << m.metric;
}

TEST(LoadMetricsTest, StepsAreTakenOneByOneBeforeTheyAreAveraged) {
  // A hot spot that moves: each step has max/mean 2.5, their sum is perfectly flat.
  const auto all =
      by_name(load_metrics(matrix(4, 1, {{5, 1, 1, 1}, {1, 5, 1, 1}, {1, 1, 5, 1}, {1, 1, 1, 5}}),
                           ExpertPlacement::contiguous(4)));
  EXPECT_DOUBLE_EQ(all.at("load.max_over_mean").value, 2.5);
  EXPECT_DOUBLE_EQ(all.at("load.max_vio_batch").value, 1.5);
  EXPECT_DOUBLE_EQ(all.at("load.max_vio_global").value, 0.0);
  EXPECT_DOUBLE_EQ(all.at("load.max_over_mean").percentiles->p50, 2.5);
}

TEST(LoadMetricsTest, TheTwoBalancednessesAndTensorRtImbalanceReduceOverTheRightAxis) {
  // Two layers on two ranks. Layer 0: ranks {30, 10}; layer 1: ranks {1, 3}.
  const auto placement = ExpertPlacement::contiguous(4, 2);
  const auto all = by_name(load_metrics(matrix(1, 2, {{10, 20, 5, 5}, {1, 0, 1, 2}}), placement));
  EXPECT_DOUBLE_EQ(all.at("load.balancedness_sglang").value, (20.0 / 30 + 2.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(all.at("load.balancedness_vllm").value, (20.0 + 2) / (30 + 3));
  EXPECT_DOUBLE_EQ(all.at("rank.max_over_mean").value, (1.5 + 1.5) / 2);
  EXPECT_DOUBLE_EQ(all.at("rank.imbalance_trtllm").value, 0.5);
  EXPECT_DOUBLE_EQ(all.at("load.dead_experts").value, 0.5);
  // A layer without counts scores 1 for SGLang and takes no part in the others.
  const auto with_dense =
      by_name(load_metrics(matrix(1, 3, {{0, 0, 0, 0}, {10, 20, 5, 5}, {1, 0, 1, 2}}), placement));
  EXPECT_DOUBLE_EQ(with_dense.at("load.balancedness_sglang").value, (1 + 2.0 / 3 + 2.0 / 3) / 3);
  EXPECT_DOUBLE_EQ(with_dense.at("load.balancedness_vllm").value, 22.0 / 33);
  EXPECT_DOUBLE_EQ(with_dense.at("rank.max_over_mean").value, 1.5);
  EXPECT_DOUBLE_EQ(with_dense.at("load.dead_experts").value, 0.5);
}

TEST(LoadMetricsTest, ReplicasShareTheirExpertsLoad) {
  const ExpertPlacement placement(
      2, 2, {LogicalExpert{0}, LogicalExpert{1}, LogicalExpert{0}, LogicalExpert{0}},
      {Rank{0}, Rank{0}, Rank{1}, Rank{1}});
  EXPECT_EQ(rank_loads(Loads{9, 2}, placement), (std::vector<double>{5, 6}));
}

TEST(LoadMetricsTest, PermutingExpertsOrScalingLoadsChangesNoLoadMetric) {
  RandomStream random({.seed = 11, .purpose = RandomPurpose::kTest}, 0);
  for (int trial = 0; trial < 200; ++trial) {
    Loads load(1 + random.below(20));
    for (auto& c : load) c = random.below(50);
    Loads other = load;
    std::reverse(other.begin(), other.end());
    for (auto& c : other) c *= 3;
    EXPECT_NEAR(max_over_mean(load), max_over_mean(other), 1e-12);
    EXPECT_NEAR(load_cv(load), load_cv(other), 1e-12);
    EXPECT_NEAR(load_gini(load), load_gini(other), 1e-12);
    EXPECT_NEAR(load_entropy(load), load_entropy(other), 1e-12);
    // The brute-force definition of Gini.
    const double sum = static_cast<double>(std::accumulate(load.begin(), load.end(), 0L));
    double differences = 0;
    for (const auto a : load) {
      for (const auto b : load) differences += std::abs(static_cast<double>(a - b));
    }
    if (sum > 0) {
      EXPECT_NEAR(load_gini(load), differences / (2 * static_cast<double>(load.size()) * sum),
                  1e-12);
    }
  }
}

TEST(LoadMetricsTest, TokenOverlapCountsExpertsSharedWithTheTokenBefore) {
  const std::vector<StoredExpert> ids = {0, 1, 1, 0, 2, 1, -1, -1, -1, -1};
  RoutingBatch batch;
  batch.tokens = 5;
  batch.slots = 2;
  batch.num_experts = 3;
  batch.topk_ids = ids;
  EXPECT_DOUBLE_EQ(token_overlap(batch), (2 + 1 + 0 + 0) / 4.0);
  batch.tokens = 1;
  EXPECT_EQ(token_overlap(batch), 0.0);
}

TEST(LoadMetricsTest, APlacementOfOtherExpertsIsRefused) {
  EXPECT_THROW(load_metrics(LoadMatrix(1, 1, 3), ExpertPlacement::contiguous(4)), UsageError);
}

}  // namespace
}  // namespace hotexpert
