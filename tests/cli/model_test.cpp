#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

/// Points of `hotexpert report DIR --json`.
Json::Array points_of(const std::string& dir) {
  const auto report = run_hotexpert({"report", dir, "--json"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  return Json::parse(report.out, "report").at("points").as_array();
}

TEST(ModelBackendCliTest, APointIsPricedOnceAndCarriesTheHeldOutError) {
  const std::string dir = fresh_folder("h100");
  const auto swept =
      run_hotexpert({"sweep", "scenarios/skew-to-time.toml", "--backend", "model", "--device",
                     "h100-sxm,h200", "--layer.scale", "1", "--layer.dtype", "bf16",
                     "--skew.target", "max_over_mean=1.2,max_over_mean=6", "-o", dir});
  ASSERT_EQ(swept.exit_code, 0) << swept.err;
  const auto points = points_of(dir);
  ASSERT_EQ(points.size(), 12U);
  for (const Json& point : points) {
    ASSERT_EQ(point.at("outcome").as_string(), "ok");
    const Json& time = point.at("metrics").at("layer.total_s");
    EXPECT_EQ(time.at("provenance").as_string(), "modelled");
    EXPECT_EQ(time.find("samples"), nullptr);
    EXPECT_EQ(time.find("ci95"), nullptr);
    EXPECT_EQ(point.at("metrics").find("kernel.max_relative_error"), nullptr);
    const bool known = point.at("point").at("device").as_string() == "h100-sxm";
    EXPECT_EQ(point.at("metrics").find("layer.model_error") != nullptr, known);
    EXPECT_EQ(point.at("warnings").as_array().size(), known ? 0U : 1U);
    // What padding costs and grouping hides comes out of the laws.
    if (!known || point.at("metrics").at("load.max_over_mean").at("value").as_double() < 5)
      continue;
    const double tax = point.at("metrics").at("layer.imbalance_tax").at("value").as_double();
    const std::string kernel = point.at("point").at("kernel").as_string();
    if (kernel == "padded") {
      EXPECT_GT(tax, 2);
    }
    if (kernel == "grouped") {
      EXPECT_LT(tax, 0.3);
    }
  }
  const auto table = run_hotexpert({"report", dir, "-o", dir + "/x.md"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
}

TEST(ModelBackendCliTest, TheRunFolderHoldsTheDeviceThatWasPriced) {
  const std::string dir = fresh_folder("run");
  ASSERT_EQ(run_hotexpert({"sweep", "scenarios/quickstart.toml", "--backend", "model", "--device",
                           "a100", "--capacity.factor", "none", "--skew.target", "none", "-o", dir})
                .exit_code,
            0);
  const auto report = run_hotexpert({"report", dir, "--json"});
  const Json runs = Json::parse(report.out, "report").at("runs");
  const Json& device = runs.as_array().front().at("manifest").at("devices").at("a100");
  EXPECT_EQ(device.at("units").as_integer(), 108);
}

class CalibrationCliTest : public testing::Test {
 protected:
  /// A run of a small layer that ends in seconds; its times mean little.
  static std::string tiny_run() {
    const std::string dir = fresh_folder("tiny");
    const auto swept = run_hotexpert({"sweep",
                                      "scenarios/calibrate.toml",
                                      "--layer.preset",
                                      "none",
                                      "--layer.d_model",
                                      "64",
                                      "--layer.d_ff",
                                      "64",
                                      "--layer.scale",
                                      "1",
                                      "--skew.target",
                                      "max_over_mean=1.5",
                                      "--step.tokens",
                                      "64,256",
                                      "--measure.budget_s",
                                      "0.01",
                                      "--backend",
                                      "cpu",
                                      "-o",
                                      dir});
    EXPECT_EQ(swept.exit_code, 0) << swept.err;
    return dir;
  }
};

TEST_F(CalibrationCliTest, ADeviceFileComesOutOfARunAndPricesItsPoints) {
  const std::string run = tiny_run();
  const std::string file = fresh_folder("device") + ".toml";
  const auto fitted = run_hotexpert({"calibrate", "device", run, "-o", file, "--json"});
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  const Json json = Json::parse(fitted.out, "calibrate");
  EXPECT_EQ(json.at("rows").as_array().size(), 6U);
  EXPECT_EQ(json.at("held_out_by_kernel").as_array().size(), 3U);
  const auto scored = run_hotexpert({"model", "validate", run, "--device", file, "--json"});
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  const Json rows = Json::parse(scored.out, "validate").at("rows");
  ASSERT_EQ(rows.as_array().size(), 3U);
  EXPECT_EQ(rows.as_array()[0].at("n").as_integer(), 4);
  const std::string found = fresh_folder("found");
  const auto drawn = run_hotexpert({"model", "validate", run, "--device", file, "-o", found});
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_THAT(drawn.out, HasSubstr("predicted, up to"));
  EXPECT_EQ(points_of(found).size(), 3U);
  const auto swept =
      run_hotexpert({"sweep", "scenarios/quickstart.toml", "--backend", "model", "--device", file,
                     "--capacity.factor", "none", "-o", fresh_folder("priced")});
  EXPECT_EQ(swept.exit_code, 0) << swept.err;
  // The sweep's own metrics rank the loads too.
  const auto league = run_hotexpert({"model", "league", run, "--json"});
  ASSERT_EQ(league.exit_code, 0) << league.err;
  EXPECT_THAT(league.out, HasSubstr("padded, tokens 1-64"));
  for (const char* metric : {"load.max_vio_batch", "rank.cv", "tile_waves"})
    EXPECT_THAT(league.out, HasSubstr(metric));
}

TEST_F(CalibrationCliTest, WhatCannotBeFittedIsSaid) {
  const std::string run = fresh_folder("counted");
  ASSERT_EQ(run_hotexpert({"sweep", "scenarios/quickstart.toml", "--backend", "none", "-o", run})
                .exit_code,
            0);
  const auto nothing = run_hotexpert({"calibrate", "device", run, "-o", run + ".toml"});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("0 measured passes"));
  EXPECT_EQ(run_hotexpert({"calibrate", "device", run}).exit_code, 2);
  EXPECT_THAT(run_hotexpert({"calibrate", "devise", run}).err, HasSubstr("did you mean 'device'?"));
  EXPECT_EQ(run_hotexpert({"model", "validate", run}).exit_code, 2);
  EXPECT_EQ(run_hotexpert({"model", "league", run}).exit_code, 3);
}

TEST(MeasuredMachineTest, TwelvePointsPredictTheOthersWithinTenPercent) {
  const std::string folder = "reports/measured/zen4-2-cores";
  const std::string file = fresh_folder("device") + ".toml";
  const auto fitted =
      run_hotexpert({"calibrate", "device", folder + "/calibration", "-o", file, "--json"});
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  EXPECT_THAT(fitted.err, HasSubstr("fitted to 12 points"));
  for (const std::string& device : {file, folder + "/device.toml"}) {
    const auto scored = run_hotexpert(
        {"model", "validate", folder + "/skew-to-time", "--device", device, "--json"});
    ASSERT_EQ(scored.exit_code, 0) << scored.err;
    const Json rows = Json::parse(scored.out, "validate").at("rows");
    ASSERT_EQ(rows.as_array().size(), 3U);
    for (const Json& row : rows.as_array()) {
      EXPECT_LE(row.at("median_abs_error").as_double(), 0.1) << row.dump();
      EXPECT_LE(row.at("p90_abs_error").as_double(), 0.15) << row.dump();
    }
  }
}

TEST(ModelPriceTest, SkewCostsMoreUnderExpertParallelismAndLessAtFewTokens) {
  const auto price = [](const std::string& ranks) {
    const auto result =
        run_hotexpert({"model", "price", "--layer.preset", "mixtral-8x7b", "--ep.ranks", ranks,
                       "--step.tokens", "16,8192", "--skew", "1.2,3", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out, "price");
  };
  const Json one = price("1");
  const Json eight = price("8");
  ASSERT_EQ(eight.at("rows").as_array().size(), 4U);
  const auto ratio = [](const Json& json, std::size_t row) {
    return json.at("rows").as_array()[row].at("ratio").as_double();
  };
  EXPECT_LT(ratio(one, 1), 1);    // fewer experts' weights are read
  EXPECT_LT(ratio(one, 3), 1.2);  // one GPU shares the rows
  EXPECT_GT(ratio(eight, 3), 2.5);
  const Json& hot = eight.at("rows").as_array()[3];
  EXPECT_EQ(hot.at("binding").as_string(), "straggler");
  EXPECT_GT(hot.at("s_per_percent").as_double(), hot.at("s_per_percent_error").as_double());
}

TEST(ModelPriceTest, APriceListIsPastedAndReported) {
  const std::string dir = fresh_folder("price");
  const auto table =
      run_hotexpert({"model", "price", "--layer.preset", "qwen3-30b-a3b", "--step.tokens",
                     "16,8192", "--skew", "1,4", "--by-skew", "--md", "-o", dir});
  ASSERT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("| step.tokens | balanced\\_us | 1x | 4x |"));
  EXPECT_THAT(table.out, HasSubstr(" us/%"));
  const auto points = points_of(dir);
  ASSERT_EQ(points.size(), 4U);
  const Json& price = points[3].at("metrics").at("layer.skew_price_s");
  EXPECT_EQ(price.at("provenance").as_string(), "modelled");
  EXPECT_EQ(price.at("ci95").as_array().size(), 2U);
  EXPECT_EQ(points[3].at("point").at("device").as_string(), "h100-sxm");
  ASSERT_EQ(run_hotexpert({"report", dir, "-o", dir + "/x.html"}).exit_code, 0);
  // What was never compared has no interval, and says so.
  const auto unknown = run_hotexpert({"model", "price", "--layer.preset", "qwen3-30b-a3b",
                                      "--step.tokens", "16", "--device", "h200", "--json"});
  const Json row = Json::parse(unknown.out, "price").at("rows").as_array()[0];
  EXPECT_TRUE(row.at("s_per_percent_error").is_null());
  EXPECT_THAT(unknown.err, HasSubstr("± unknown"));
}

TEST(ModelPriceTest, WhatCannotBePricedIsSaid) {
  EXPECT_THAT(run_hotexpert({"model", "price"}).err, HasSubstr("--layer.preset NAME"));
  EXPECT_EQ(
      run_hotexpert({"model", "price", "--layer.preset", "mixtral-8x7b", "--skew", "9"}).exit_code,
      2);
  EXPECT_EQ(run_hotexpert({"model", "price", "--layer.preset", "mixtral-8x7b", "--ep.ranks", "3"})
                .exit_code,
            2);
  EXPECT_THAT(run_hotexpert({"model", "prise"}).err, HasSubstr("did you mean 'price'?"));
}

TEST(ModelLeagueTest, PublishedSweepsRankMetricsByRegime) {
  const std::string csv = "../shared/h100/moe_layer_latency_bf16_ep.csv";
  if (!std::filesystem::exists(std::string(HOTEXPERT_SOURCE_DIR) + "/" + csv)) {
    GTEST_SKIP() << "the published H100 latencies are not beside the project";
  }
  const auto result = run_hotexpert({"model", "league", csv, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json rows = Json::parse(result.out, "league").at("rows");
  EXPECT_EQ(rows.as_array().front().at("metric").as_string(), "load.active_experts");
  const std::string dir = fresh_folder("league");
  ASSERT_EQ(run_hotexpert({"model", "league", csv, "-o", dir}).exit_code, 0);
  EXPECT_EQ(points_of(dir).size(), rows.as_array().size());
}

}  // namespace
}  // namespace hotexpert
