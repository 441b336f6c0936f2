#include "profiler/layer_measurements.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "sim/core/metric_catalogue.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;

ArmSamples arm_of(std::string_view name, const std::vector<PhaseTimes>& samples) {
  return {std::string(name), samples, {}};
}

PhaseTimes times(double total_s, std::optional<double> permute_s = {},
                 std::vector<double> rank_ffn_s = {}) {
  PhaseTimes result;
  result.total_s = total_s;
  result.permute_s = permute_s;
  result.rank_ffn_s = std::move(rank_ffn_s);
  return result;
}

std::vector<std::string> names(const std::vector<Measurement>& measurements) {
  std::vector<std::string> found;
  for (const auto& measurement : measurements) found.push_back(measurement.metric);
  return found;
}

const Measurement& of(const std::vector<Measurement>& measurements, std::string_view metric) {
  for (const auto& measurement : measurements) {
    if (measurement.metric == metric) return measurement;
  }
  throw std::logic_error("missing " + std::string(metric));
}

TEST(LayerMeasurementsTest, AbsentPhasesGiveNoMetric) {
  MeasureResult result;
  result.arms = {arm_of("layer", std::vector(10, times(1.0, 0.25)))};
  EXPECT_THAT(names(to_measurements(result)), ElementsAre("layer.total_s", "layer.permute_s"));
}

TEST(LayerMeasurementsTest, TaxIsTheMedianOfPairwiseRatios) {
  MeasureResult result;
  // Slow and fast moments hit both arms: every pair has ratio 1.5 but one.
  std::vector<PhaseTimes> layer;
  std::vector<PhaseTimes> balanced;
  for (int i = 1; i <= 11; ++i) {
    balanced.push_back(times(i));
    layer.push_back(times(1.5 * i));
  }
  layer[4].total_s = 100;
  result.arms = {arm_of("layer", layer), arm_of("balanced", balanced), arm_of("uniform", balanced)};
  const auto measurements = to_measurements(result);
  EXPECT_THAT(names(measurements), ElementsAre("layer.total_s", "layer.balanced_total_s",
                                               "layer.uniform_total_s", "layer.imbalance_tax"));
  const auto& tax = of(measurements, "layer.imbalance_tax");
  EXPECT_DOUBLE_EQ(tax.value, 0.5);
  EXPECT_EQ(tax.samples.size(), 11U);
  EXPECT_EQ(tax.ci95, (Interval{0.5, 0.5}));
  EXPECT_EQ(tax.provenance, Provenance::kMeasured);
  EXPECT_EQ(of(measurements, "layer.balanced_total_s").ci95, (Interval{2, 10}));
}

TEST(LayerMeasurementsTest, EachPartOfATrainingPassHasATaxOfItsOwn) {
  MeasureResult result;
  const auto pass = [](double forward_s, double dgrad_s, double wgrad_s) {
    PhaseTimes all = times(forward_s + dgrad_s + wgrad_s);
    all.forward_s = forward_s;
    all.backward_s = dgrad_s + wgrad_s;
    all.dgrad_s = dgrad_s;
    all.wgrad_s = wgrad_s;
    return all;
  };
  result.arms = {arm_of("layer", std::vector(10, pass(1, 1.25, 3))),
                 arm_of("balanced", std::vector(10, pass(1, 1, 2)))};
  const auto measurements = to_measurements(result);
  EXPECT_THAT(names(measurements),
              ElementsAre("layer.total_s", "layer.dgrad_s", "layer.wgrad_s", "layer.forward_s",
                          "layer.backward_s", "layer.balanced_total_s", "layer.imbalance_tax",
                          "layer.forward_tax", "layer.dgrad_tax", "layer.wgrad_tax"));
  EXPECT_DOUBLE_EQ(of(measurements, "layer.forward_tax").value, 0);
  EXPECT_DOUBLE_EQ(of(measurements, "layer.dgrad_tax").value, 0.25);
  EXPECT_DOUBLE_EQ(of(measurements, "layer.wgrad_tax").value, 0.5);
}

TEST(LayerMeasurementsTest, ModelledTimesHaveNeitherSamplesNorAnInterval) {
  MeasureResult result;
  result.arms = {arm_of("layer", {times(3)}), arm_of("balanced", {times(2)})};
  const auto measurements = to_measurements(result, Provenance::kModelled);
  EXPECT_DOUBLE_EQ(of(measurements, "layer.imbalance_tax").value, 0.5);
  for (const auto& measurement : measurements) {
    EXPECT_TRUE(measurement.samples.empty()) << measurement.metric;
    EXPECT_FALSE(measurement.ci95.has_value()) << measurement.metric;
    EXPECT_EQ(measurement.provenance, Provenance::kModelled);
  }
}

TEST(LayerMeasurementsTest, IdleFractionComparesRanks) {
  MeasureResult result;
  result.arms = {arm_of("layer", std::vector(10, times(1.0, {}, {1, 1, 1, 5})))};
  EXPECT_DOUBLE_EQ(of(to_measurements(result), "layer.idle_fraction").value, 0.6);
}

TEST(LayerMeasurementsTest, EveryMetricIsInTheCatalogue) {
  MeasureResult result;
  PhaseTimes all = times(1, 1, {1, 2});
  all.route_s = all.all_to_all_s = all.expert_ffn_s = all.combine_s = 1;
  all.dgrad_s = all.wgrad_s = all.forward_s = all.backward_s = 1;
  for (const auto name : {kLayerArm, kBalancedArm, kUniformArm})
    result.arms.push_back(arm_of(name, std::vector(10, all)));
  const auto measurements = to_measurements(result, Provenance::kModelled);
  EXPECT_EQ(measurements.size(), 17U);
  for (const auto& measurement : measurements) {
    EXPECT_NE(find_metric(measurement.metric), nullptr) << measurement.metric;
    EXPECT_EQ(measurement.provenance, Provenance::kModelled);
  }
}

TEST(LayerMeasurementsTest, APhaseInSomeSamplesOnlyIsABug) {
  MeasureResult result;
  result.arms = {arm_of("layer", {times(1, 0.5), times(1)})};
  EXPECT_THROW(to_measurements(result), std::logic_error);
}

}  // namespace
}  // namespace hotexpert
