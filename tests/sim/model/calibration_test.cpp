#include "sim/model/calibration.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"
#include "tests/sim/model/shipped_device.hpp"

namespace hotexpert {
namespace {

LayerShape small_layer() {
  LayerShape shape;
  shape.num_experts = 16;
  shape.top_k = 2;
  shape.d_model = 1024;
  shape.d_ff = 2048;
  shape.dtype = DataType::kFp32;
  return shape;
}

/// Twelve passes of a device whose constants are known, with 1 % noise.
std::vector<CalibrationSample> planted_sweep(const DeviceDescription& truth, KernelFamily family) {
  RandomStream random({3, RandomPurpose::kTest, 0, 0}, 0);
  std::vector<CalibrationSample> samples;
  for (const std::int64_t tokens : {1, 8, 64, 512, 2048, 8192}) {
    for (const int hot : {1, 8}) {
      CalibrationSample sample;
      sample.shape = small_layer();
      sample.family = family;
      sample.tokens = tokens;
      sample.expert_rows.assign(16, tokens * 2 / (15 + hot));
      sample.expert_rows[0] = tokens * 2 - 15 * (tokens * 2 / (15 + hot));
      const LayerLaw law(truth, sample.shape, family, 16);
      sample.seconds =
          law.price(tokens, sample.expert_rows).total_s * std::exp(0.01 * random.normal());
      samples.push_back(sample);
    }
  }
  return samples;
}

TEST(CalibrationTest, APlantedDeviceIsRecoveredWithinItsIntervals) {
  DeviceDescription truth = shipped_device("cpu");
  truth.constants.launch_s = 9e-6;
  truth.constants.memory_bytes_per_s = 1.3e10;
  truth.constants.math_flops_per_s = 6e11;
  truth.constants.elementwise_bytes_per_s = 6e9;
  truth.constants.overlap_exponent = 4;
  int covered = 0;
  for (const auto& row : kernel_families()) {
    const auto samples = planted_sweep(truth, row.family);
    const Calibration found = calibrate(shipped_device("cpu"), samples);
    EXPECT_LT(found.held_out_median_error, 0.04) << row.name;
    EXPECT_LT(found.median_error, 0.03) << row.name;
    for (const auto& constant : found.constants) {
      for (const auto& name : cost_constants()) {
        if (name.name != constant.name) continue;
        const double planted = truth.constants.*name.member;
        covered +=
            constant.interval95.low <= planted && planted <= constant.interval95.high ? 1 : 0;
      }
    }
    EXPECT_EQ(found.constants.size(), 6U);
    ASSERT_EQ(found.held_out_by_family.size(), 1U);
    EXPECT_EQ(found.held_out_by_family[0].n, 12);
  }
  EXPECT_GE(covered, 16);  // of 3 families x 6 constants, at 95 %
}

TEST(CalibrationTest, TheDeviceItReturnsPricesItsSamples) {
  const DeviceDescription truth = shipped_device("cpu");
  const auto samples = planted_sweep(truth, KernelFamily::kGrouped);
  const Calibration found = calibrate(truth, samples);
  const LayerLaw law(found.device, small_layer(), KernelFamily::kGrouped, 16);
  for (const auto& sample : samples) {
    EXPECT_NEAR(law.price(sample.tokens, sample.expert_rows).total_s / sample.seconds, 1, 0.05);
  }
  EXPECT_DOUBLE_EQ(found.device.held_out_error, found.held_out_median_error);
}

TEST(CalibrationTest, WithoutBlocksThereIsNoFeedToFit) {
  DeviceDescription device = shipped_device("cpu");
  device.program.task_rows = 0;
  const auto found = calibrate(device, planted_sweep(device, KernelFamily::kGrouped));
  EXPECT_EQ(found.constants.size(), 5U);
}

TEST(CalibrationTest, PhasesOfAPassAreObservationsToo) {
  DeviceDescription truth = shipped_device("cpu");
  truth.constants.elementwise_bytes_per_s = 3e9;
  auto samples = planted_sweep(truth, KernelFamily::kPadded);
  samples.resize(4);  // totals alone would leave six constants to four numbers
  for (auto& sample : samples) {
    const LayerLaw law(truth, sample.shape, sample.family, 16);
    const LayerCost cost = law.price(sample.tokens, sample.expert_rows);
    sample.permute_s = cost.permute_s;
    sample.expert_ffn_s = cost.expert_ffn_s;
    sample.combine_s = cost.combine_s;
  }
  const auto found = calibrate(shipped_device("cpu"), samples);
  EXPECT_NEAR(found.device.constants.elementwise_bytes_per_s / 3e9, 1, 0.2);
}

TEST(CalibrationTest, APointAndItsControlAreHeldOutTogether) {
  const auto device = shipped_device("cpu");
  auto samples = planted_sweep(device, KernelFamily::kGrouped);
  // Two groups: leaving one out leaves the other alone, so each fold fits six samples.
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].group = i < 6 ? 0 : 1;
  samples[11].seconds *= 3;  // spoils its own fold's errors, and the fit of the other's
  const auto split = calibrate(device, samples, 2);
  for (auto& sample : samples) sample.group = -1;
  EXPECT_NE(split.held_out_p90_error, calibrate(device, samples, 2).held_out_p90_error);
}

TEST(CalibrationTest, TooFewSamplesOrAZeroTimeAreRefused) {
  const DeviceDescription device = shipped_device("cpu");
  auto samples = planted_sweep(device, KernelFamily::kGrouped);
  EXPECT_THROW((void)calibrate(device, {samples.begin(), samples.begin() + 3}), UsageError);
  samples[2].seconds = 0;
  EXPECT_THROW((void)calibrate(device, samples), UsageError);
}

}  // namespace
}  // namespace hotexpert
