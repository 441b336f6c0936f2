#include "sim/model/validation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "sim/model/error_tables.hpp"
#include "sim/model/published_loads.hpp"
#include "tests/sim/model/shipped_device.hpp"

namespace hotexpert {
namespace {

PublishedRow row_of(const std::string& model, int ranks, double alpha, std::int64_t tokens,
                    double latency_s) {
  PublishedRow row;
  row.model = model;
  row.shape.num_experts = 64;
  row.shape.top_k = 4;
  row.shape.d_model = 2048;
  row.shape.d_ff = model == "wide" ? 2048 : 512;
  row.shape.dtype = DataType::kBf16;
  row.expert_parallel = ranks;
  row.alpha = alpha;
  row.distribution = alpha == 0 ? "balanced" : "power_law_1.2";
  row.num_tokens = tokens;
  row.latency_s = latency_s;
  return row;
}

/// Rows of two shapes timed by a device whose constants are known.
std::vector<PublishedRow> planted_rows(const DeviceDescription& truth) {
  std::vector<PublishedRow> rows;
  for (const char* model : {"wide", "narrow"}) {
    for (const int ranks : {1, 8}) {
      for (const double alpha : {0.0, 1.2}) {
        for (std::int64_t tokens = 1; tokens <= 16384; tokens *= 4) {
          rows.push_back(row_of(model, ranks, alpha, tokens, 1));
        }
      }
    }
  }
  std::vector<double> log_seconds(rows.size());
  PublishedCost(rows, 4).log_predict(truth, log_seconds);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].latency_s = std::exp(log_seconds[i]);
  return rows;
}

TEST(ValidationTest, PlantedConstantsAreRecoveredAcrossShapes) {
  DeviceDescription truth = shipped_device("h100-sxm");
  truth.constants.launch_s = 3.3e-6;
  truth.constants.memory_bytes_per_s = 2.8e12;
  truth.constants.elementwise_bytes_per_s = 2.6e12;
  const auto rows = planted_rows(truth);
  const auto report = validate_published(shipped_device("h100-sxm"), rows, rows, {4, true});
  EXPECT_LT(report.cost_law.overall.p90_abs_error, 0.03);
  EXPECT_LT(report.held_out_by("model_shape")->overall.p90_abs_error, 0.06);
  EXPECT_NEAR(report.device.constants.launch_s / 3.3e-6, 1, 0.05);
  EXPECT_NEAR(report.device.constants.memory_bytes_per_s / 2.8e12, 1, 0.05);
  EXPECT_GT(report.roofline.overall.p90_abs_error, report.cost_law.overall.p90_abs_error);
  // Each way to hold rows out prices all of them once.
  ASSERT_EQ(report.hold_outs.size(), 4U);
  for (const auto& hold_out : report.hold_outs) {
    EXPECT_EQ(hold_out.overall.n, static_cast<std::int64_t>(rows.size())) << hold_out.by;
    EXPECT_LT(hold_out.overall.p90_abs_error, hold_out.by == "tokens" ? 0.1 : 0.06) << hold_out.by;
  }
}

TEST(ValidationTest, RowsAreAPartitionAndErrorsAreTheirMedians) {
  const std::vector<PublishedRow> rows = {row_of("a", 1, 0, 1, 1), row_of("a", 1, 0, 2, 1),
                                          row_of("a", 2, 0, 1, 1), row_of("b", 1, 1.2, 1, 1)};
  const std::vector<double> error = {0.1, 0.3, 0.5, 0.7};
  const auto partition = error_partition(rows, error);
  ASSERT_EQ(partition.size(), 3U);
  EXPECT_EQ(partition[0].n, 2);
  EXPECT_DOUBLE_EQ(partition[0].median_abs_error, 0.2);
  EXPECT_EQ(partition[1].expert_parallel, "2");
  EXPECT_EQ(partition[2].distribution, "power_law_1.2");
}

TEST(ValidationTest, RowsAreSortedByShapeRanksAsNumbersAndDistribution) {
  const std::vector<PublishedRow> rows = {row_of("b", 16, 0, 1, 1), row_of("b", 2, 1.2, 1, 1),
                                          row_of("b", 2, 0, 1, 1), row_of("a", 4, 0, 1, 1)};
  const auto partition = error_partition(rows, std::vector<double>(4, 0.1));
  std::string order;
  for (const auto& row : partition)
    order += row.model_shape + row.expert_parallel + row.distribution.substr(0, 1) + " ";
  EXPECT_EQ(order, "a4b b2b b2p b16b ");
}

TEST(ValidationTest, SkewSignsCountOnlyEffectsAboveTenPercent) {
  const std::vector<PublishedRow> rows = {row_of("a", 1, 0, 1, 1.0), row_of("a", 1, 1.2, 1, 1.5),
                                          row_of("a", 1, 0, 2, 1.0), row_of("a", 1, 1.2, 2, 0.8),
                                          row_of("a", 1, 0, 4, 1.0), row_of("a", 1, 1.2, 4, 1.05)};
  const std::vector<double> predicted = {1, 2, 1, 1.1, 1, 0.5};
  const SignScore score = skew_sign_score(rows, predicted);
  EXPECT_EQ(score.total, 2);
  EXPECT_EQ(score.right, 1);
}

TEST(ValidationTest, TheCrossoverIsTheMostTokensAtWhichSkewSavesFivePercent) {
  const std::vector<PublishedRow> rows = {
      row_of("a", 1, 0, 16, 1.0),   row_of("a", 1, 1.2, 16, 0.6), row_of("a", 1, 0, 64, 1.0),
      row_of("a", 1, 1.2, 64, 0.9), row_of("a", 1, 0, 256, 1.0),  row_of("a", 1, 1.2, 256, 0.97),
      row_of("a", 8, 0, 16, 1.0),   row_of("a", 8, 1.2, 16, 1.1)};
  const std::vector<double> predicted = {1, 0.7, 1, 1.1, 1, 1.2, 1, 0.99};
  const auto crossovers = crossover_tokens(rows, predicted);
  ASSERT_EQ(crossovers.size(), 2U);
  EXPECT_EQ(crossovers[0].measured_tokens, 64);
  EXPECT_EQ(crossovers[0].predicted_tokens, 16);
  EXPECT_EQ(crossovers[0].distribution, "power_law_1.2");
  EXPECT_EQ(crossovers[1].measured_tokens, 0);
  EXPECT_EQ(crossovers[1].predicted_tokens, 0);
}

TEST(ValidationTest, WithNothingToFitTheDeviceIsScoredAsItIs) {
  const DeviceDescription truth = shipped_device("h100-sxm");
  const auto rows = planted_rows(truth);
  const auto report = validate_published(truth, {}, rows, {4, false});
  EXPECT_TRUE(report.cost_law.constants.empty());
  EXPECT_LT(report.cost_law.overall.p90_abs_error, 1e-9);
}

TEST(ValidationTest, PublishedH100LatenciesArePredictedWithinTheStatedErrors) {
  const std::string path =
      std::string(HOTEXPERT_SOURCE_DIR) + "/../shared/h100/moe_layer_latency_bf16_ep.csv";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no published latencies at " << path;
  const auto rows = read_published_csv(path);
  ASSERT_EQ(rows.size(), 972U);
  const auto report = validate_published(shipped_device("h100-sxm"), rows, rows, {6, false});
  const HoldOut* shapes = report.held_out_by("model_shape");
  ASSERT_NE(shapes, nullptr);
  EXPECT_LE(report.cost_law.constants.size(), 10U);
  EXPECT_LE(report.cost_law.overall.median_abs_error, 0.05);
  EXPECT_LE(report.cost_law.overall.p90_abs_error, 0.15);
  EXPECT_LE(shapes->overall.median_abs_error, 0.065);
  EXPECT_LE(shapes->overall.p90_abs_error, 0.16);
  EXPECT_GE(report.cost_law.skew_sign.right, 95 * report.cost_law.skew_sign.total / 100);
  EXPECT_EQ(report.anomalies.size(), 19U);
  // What the file of the shipped device says of prices, within what fewer draws change.
  EXPECT_NEAR(report.device.held_out_elasticity_error / 0.147, 1, 0.25);
  EXPECT_NEAR(shipped_device("h100-sxm").held_out_elasticity_error, 0.147, 1e-9);
  EXPECT_GT(report.roofline.overall.p90_abs_error, 0.4);
  std::int64_t scored = 0;
  for (const auto& row : report.rows) scored += row.n;
  EXPECT_EQ(scored, 972);
}

TEST(ValidationTest, TheShippedDeviceScoresAsItsFileSays) {
  const std::string path =
      std::string(HOTEXPERT_SOURCE_DIR) + "/../shared/h100/moe_layer_latency_bf16_ep.csv";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no published latencies at " << path;
  const auto report =
      validate_published(shipped_device("h100-sxm"), {}, read_published_csv(path), {8, false});
  EXPECT_LE(report.cost_law.overall.median_abs_error, 0.04);
  EXPECT_LE(report.cost_law.overall.p90_abs_error, 0.13);
}

}  // namespace
}  // namespace hotexpert
