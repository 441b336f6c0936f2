#include "sim/model/price_error.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/random.hpp"
#include "sim/model/calibration.hpp"
#include "sim/model/load_profile.hpp"
#include "sim/model/price_list.hpp"
#include "tests/sim/model/shipped_device.hpp"

namespace hotexpert {
namespace {

TEST(PriceErrorTest, TheElasticityErrorIsAConformalQuantileOfThePairs) {
  std::vector<SkewPair> pairs;
  for (int i = 1; i <= 39; ++i) {
    // ln skew ratio 1, error i / 100; order does not matter.
    const double off = (i % 2 == 0 ? i : -i) / 100.0;
    pairs.push_back({i % 3 == 0 ? std::exp(-1.0) : std::exp(1.0), 2.0, 2.0 * std::exp(off)});
  }
  EXPECT_NEAR(elasticity_error95(pairs).value(), 0.38, 1e-12);  // the 38th of 39: ceil(.95 * 40)
  pairs.push_back({1.05, 1.0, 9.0});  // hardly any skew between the two: says nothing
  EXPECT_NEAR(elasticity_error95(pairs).value(), 0.38, 1e-12);
  EXPECT_FALSE(elasticity_error95({}).has_value());
  // One pair: t(1) = 12.706 times its own error.
  EXPECT_NEAR(elasticity_error95({{std::exp(2.0), 1.0, std::exp(0.1)}}).value(), 0.05 * 12.7062,
              1e-4);
}

TEST(PriceErrorTest, ASlopeOfZeroHasAnIntervalToo) {
  DeviceDescription device = shipped_device("h100-sxm");
  device.held_out_elasticity_error = 0.1;
  device.uncertainty = {0, 0, 0, 0, 0, 0};
  const auto flat = [](const DeviceDescription&) { return 0.0; };
  EXPECT_NEAR(slope_error95(device, 1e-3, 0, flat).value(), 1e-6, 1e-15);
  EXPECT_NEAR(slope_error95(device, 1e-3, 1e-6, flat).value(), std::sqrt(2.0) * 1e-6, 1e-15);
  // A constant that matters adds what its interval makes of the slope.
  device.uncertainty.launch_s = 0.2;
  const auto steep = [&](const DeviceDescription& other) { return other.constants.launch_s; };
  const double spread = device.constants.launch_s * std::sinh(0.2);
  EXPECT_NEAR(slope_error95(device, 1e-3, 0, steep).value(), std::hypot(1e-6, spread), 1e-12);
  // A constant that nobody knows widens the interval, and leaves it finite.
  device.uncertainty.launch_s = kMostUncertainty;
  EXPECT_GT(slope_error95(device, 1e-3, 0, steep).value(), 3 * device.constants.launch_s);
  EXPECT_LT(slope_error95(device, 1e-3, 0, steep).value(), 4 * device.constants.launch_s);
  device.held_out_elasticity_error = 0;
  EXPECT_FALSE(slope_error95(device, 1e-3, 0, flat).has_value());
  EXPECT_FALSE(ratio_factor95(device, 2).has_value());
}

LayerShape small_layer() {
  LayerShape shape;
  shape.num_experts = 16;
  shape.top_k = 2;
  shape.d_model = 1024;
  shape.d_ff = 2048;
  shape.dtype = DataType::kFp32;
  return shape;
}

/// A planted machine: the law under its own constants, and beyond the law a price on max/mean load
/// that no constant can express.
struct Machine {
  DeviceDescription device;
  double unknown_elasticity = 0;

  [[nodiscard]] double seconds(const LayerLaw& law, std::int64_t tokens,
                               const std::vector<std::int64_t>& loads, double skew) const {
    return law.price(tokens, loads).total_s * std::pow(skew, unknown_elasticity);
  }
};

Machine planted_machine(std::uint32_t number) {
  RandomStream random({11, RandomPurpose::kTest, number, 0}, 0);
  Machine machine{shipped_device("cpu"), 0.04 * random.normal()};
  auto& constants = machine.device.constants;
  for (double CostConstants::*member :
       {&CostConstants::launch_s, &CostConstants::memory_bytes_per_s,
        &CostConstants::math_flops_per_s, &CostConstants::elementwise_bytes_per_s})
    constants.*member *= std::exp(0.3 * random.normal());
  return machine;
}

/// Twelve points with their controls, as a calibration times them: 1 % noise.
std::vector<CalibrationSample> timed_sweep(const Machine& machine, KernelFamily family,
                                           std::uint32_t number) {
  RandomStream random({12, RandomPurpose::kTest, number, 0}, 0);
  const LayerShape shape = small_layer();
  const LayerLaw law(machine.device, shape, family, shape.num_experts);
  std::vector<CalibrationSample> samples;
  int group = 0;
  for (const std::int64_t tokens : {64, 512, 2048, 8192}) {
    for (const double skew : {1.6, 3.0, 5.0}) {
      for (const bool balanced : {false, true}) {
        CalibrationSample sample;
        sample.shape = shape;
        sample.family = family;
        sample.tokens = tokens;
        sample.expert_rows =
            balanced ? equal_loads(shape.num_experts, shape.top_k, tokens)
                     : LoadProfile(shape.num_experts, shape.top_k, skew).draw(tokens, 0);
        sample.seconds = machine.seconds(law, tokens, sample.expert_rows, balanced ? 1 : skew) *
                         std::exp(0.01 * random.normal());
        sample.group = group;
        samples.push_back(std::move(sample));
      }
      ++group;
    }
  }
  return samples;
}

/// The machine's own price of one more percent, over the stencil of the price list.
double true_price(const Machine& machine, KernelFamily family, std::int64_t tokens, double skew) {
  const LayerShape shape = small_layer();
  const LayerLaw law(machine.device, shape, family, shape.num_experts);
  const auto mean_s = [&](double at) {
    constexpr std::uint32_t kDraws = 64;
    double sum = 0;
    const LoadProfile profile(shape.num_experts, shape.top_k, at);
    for (std::uint32_t draw = 0; draw < kDraws; ++draw)
      sum += machine.seconds(law, tokens, profile.draw(tokens, draw), at);
    return sum / kDraws;
  };
  return (mean_s(1.1 * skew) - mean_s(0.9 * skew)) / 20;
}

TEST(PriceErrorTest, PlantedPricesLieWithinTheirIntervals) {
  int covered = 0;
  int by_share_alone = 0;
  int total = 0;
  for (std::uint32_t number = 0; number < 8; ++number) {
    const Machine machine = planted_machine(number);
    for (const auto& row : kernel_families()) {
      const auto found =
          calibrate(shipped_device("cpu"), timed_sweep(machine, row.family, number), 6);
      ASSERT_GT(found.device.held_out_elasticity_error, 0);
      PriceQuestion question{small_layer(), row.family, 1, 8};
      for (const auto& cell : price_list(found.device, question, {256, 4096}, {2, 4})) {
        const double truth = true_price(machine, row.family, cell.tokens, cell.skew);
        covered +=
            std::abs(cell.seconds_per_percent - truth) <= cell.seconds_per_percent_error.value()
                ? 1
                : 0;
        ++total;
      }
    }
  }
  // 96 prices at 95 %; those of one machine share their fit and err together.
  EXPECT_EQ(total, 96);
  EXPECT_GE(covered, 86) << covered << " of " << total;
  // A share of the price as its error would be far too sure where skew is nearly free.
  EXPECT_LE(by_share_alone, 48) << by_share_alone << " of " << total;
}

}  // namespace
}  // namespace hotexpert
