#include "sim/model/layer_law.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/base/errors.hpp"
#include "tests/sim/model/shipped_device.hpp"

namespace hotexpert {
namespace {

using Rows = std::vector<std::int64_t>;

LayerShape qwen3_30b() {
  LayerShape shape;
  shape.num_experts = 128;
  shape.top_k = 8;
  shape.d_model = 2048;
  shape.d_ff = 768;
  shape.dtype = DataType::kBf16;
  return shape;
}

/// `hot` rows on expert 0, the rest of `total` equal on the others.
Rows hot_loads(std::size_t experts, std::int64_t total, std::int64_t hot) {
  const auto others = static_cast<std::int64_t>(experts) - 1;
  Rows rows(experts, (total - hot) / others);
  rows[0] = total - rows[1] * others;
  return rows;
}

TEST(LayerLawTest, PhasesAndCausesBothAddUpToTheTotal) {
  const auto device = shipped_device("h100-sxm");
  for (const auto& row : kernel_families()) {
    const LayerLaw law(device, qwen3_30b(), row.family, 128);
    const LayerCost cost = law.price(4096, hot_loads(128, 32768, 2000));
    EXPECT_NEAR(cost.route_s + cost.permute_s + cost.expert_ffn_s + cost.combine_s, cost.total_s,
                1e-12);
    EXPECT_NEAR(cost.launch_s + cost.memory_s + cost.math_s + cost.elementwise_s, cost.total_s,
                1e-12);
  }
}

TEST(LayerLawTest, AHotExpertIsNearlyFreeInGroupedAndDictatesPadded) {
  const auto device = shipped_device("h100-sxm");
  const Rows equal(128, 512);
  const Rows hot = hot_loads(128, 65536, 512 * 13);
  const auto ratio = [&](KernelFamily family) {
    const LayerLaw law(device, qwen3_30b(), family, 128);
    return law.price(8192, hot).total_s / law.price(8192, equal).total_s;
  };
  EXPECT_LT(ratio(KernelFamily::kGrouped), 1.1);
  EXPECT_GT(ratio(KernelFamily::kPadded), 8.5);  // of 13: padding is not combined
  EXPECT_LT(ratio(KernelFamily::kPadded), 14);
  EXPECT_LT(ratio(KernelFamily::kLoop), 1.4);
}

TEST(LayerLawTest, DecodeIsFasterWhenFewerExpertsAreActive) {
  const auto device = shipped_device("h100-sxm");
  const LayerLaw law(device, qwen3_30b(), KernelFamily::kGrouped, 128);
  Rows half(128, 0);
  for (std::size_t e = 0; e < 64; ++e) half[e] = 2;
  const double saved = law.price(16, half).total_s / law.price(16, Rows(128, 1)).total_s;
  EXPECT_NEAR(saved, 0.53, 0.05);
}

TEST(LayerLawTest, ComputeBoundRankTimeFollowsItsRows) {
  const auto device = shipped_device("h100-sxm");
  const LayerLaw law(device, qwen3_30b(), KernelFamily::kGrouped, 16);
  const double one = law.price(16384, Rows(16, 1024)).expert_ffn_s;
  const double four = law.price(16384, Rows(16, 4096)).expert_ffn_s;
  EXPECT_NEAR(four / one, 4, 0.6);
}

TEST(LayerLawTest, LoopPaysLaunchesOfActiveExpertsOnly) {
  const auto device = shipped_device("h100-sxm");
  const LayerLaw law(device, qwen3_30b(), KernelFamily::kLoop, 128);
  Rows few(128, 0);
  few[3] = few[90] = 5;
  const LayerCost cost = law.price(5, few);
  const int surroundings = device.program.route_launches + device.program.permute_launches +
                           device.program.combine_launches;
  EXPECT_NEAR(cost.launch_s,
              (surroundings + 2 * device.program.ffn_launches) * device.constants.launch_s, 1e-15);
}

TEST(LayerLawTest, PaddedUsesTheCapacityWhenThereIsOne) {
  const auto device = shipped_device("h100-sxm");
  const LayerLaw law(device, qwen3_30b(), KernelFamily::kPadded, 128);
  const Rows rows = hot_loads(128, 8192, 300);
  EXPECT_DOUBLE_EQ(law.price(1024, rows).total_s, law.price(1024, rows, rows[0]).total_s);
  EXPECT_GT(law.price(1024, rows, 1200).total_s, law.price(1024, rows).total_s);
}

TEST(LayerLawTest, ARankWithoutRowsStillRoutesAndWritesItsOutput) {
  const auto device = shipped_device("h100-sxm");
  for (const auto& row : kernel_families()) {
    const LayerCost cost = LayerLaw(device, qwen3_30b(), row.family, 4).price(4096, Rows(4, 0));
    EXPECT_GT(cost.combine_s, 4096 * 2048 * 2 / device.constants.elementwise_bytes_per_s);
    EXPECT_EQ(cost.math_s, 0);
    EXPECT_EQ(cost.memory_s, 0);
  }
}

TEST(LayerLawTest, AnUntunedKernelRunsTheFirstTileAndMoreLaunches) {
  const auto device = shipped_device("h100-sxm");
  const Rows rows(1, 8192);
  const auto price = [&](bool tuned) {
    return LayerLaw(device, qwen3_30b(), KernelFamily::kGrouped, 1, tuned).price(16384, rows);
  };
  EXPECT_GT(price(false).expert_ffn_s, 2 * price(true).expert_ffn_s);
  EXPECT_NEAR(price(false).route_s - price(true).route_s,
              device.program.untuned_launches * device.constants.launch_s, 1e-15);
}

TEST(LayerLawTest, FamiliesAreFoundByTheFirstWordOfAKernel) {
  EXPECT_EQ(kernel_family("grouped"), KernelFamily::kGrouped);
  EXPECT_EQ(kernel_family("grouped-sm90:order=hot-first"), KernelFamily::kGrouped);
  EXPECT_EQ(kernel_family("padded"), KernelFamily::kPadded);
  EXPECT_THROW((void)kernel_family("reference"), UsageError);
}

}  // namespace
}  // namespace hotexpert
