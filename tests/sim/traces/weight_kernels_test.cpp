#include "sim/traces/weight_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

/// The obvious twin, in double.
WeightFaults faults_of_row(const float* weights, std::size_t k) {
  const std::vector<double> row(weights, weights + k);
  const double sum = std::accumulate(row.begin(), row.end(), 0.0);
  return {!(std::abs(sum - 1.0) <= 0.02),
          !std::is_sorted(row.begin(), row.end(), std::greater<>())};
}

/// Rows that sum to about 1, to the border, to anything; now and then strange values.
std::vector<float> random_rows(RandomStream& random, std::size_t rows, std::size_t k) {
  std::vector<float> out;
  const auto kind = random.below(4);
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<float> weights(k);
    double sum = 0;
    for (auto& weight : weights)
      sum += static_cast<double>(weight = static_cast<float>(0.01 + random.uniform()));
    const double wanted = kind == 0 ? 1.0 : kind == 1 ? 1.02 : kind == 2 ? 0.98 : sum;
    for (auto& weight : weights)
      weight = static_cast<float>(static_cast<double>(weight) * wanted / sum);
    if (random.below(40) > 0) std::sort(weights.begin(), weights.end(), std::greater<>());
    if (kind == 3 && random.below(50) == 0) {
      const float strange[] = {-0.5F,
                               0.0F,
                               std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN(),
                               -1e30F,
                               1e30F};
      weights[random.below(static_cast<std::uint32_t>(k))] = strange[random.below(6)];
    }
    out.insert(out.end(), weights.begin(), weights.end());
  }
  out.resize(out.size() + k + 8, -3.0F);  // what lies behind is not looked at
  return out;
}

TEST(WeightKernelsTest, FaultsAreThoseOfARowAtATime) {
  RandomStream random({.seed = 51, .purpose = RandomPurpose::kTest}, 0);
  for (int trial = 0; trial < 400; ++trial) {
    const std::size_t k = 1 + random.below(12);
    const std::size_t rows = random.below(700);
    const auto weights = random_rows(random, rows, k);
    WeightFaults expected;
    for (std::size_t row = 0; row < rows; ++row) {
      const auto faults = faults_of_row(weights.data() + row * k, k);
      expected.sums += faults.sums;
      expected.orders += faults.orders;
    }
    for (const auto* kernels : {&weight_kernels(), &baseline_weight_kernels()}) {
      const auto found = kernels->faults(weights.data(), rows, k);
      ASSERT_EQ(found.sums, expected.sums) << "trial " << trial << ", k " << k;
      ASSERT_EQ(found.orders, expected.orders) << "trial " << trial << ", k " << k;
    }
  }
}

TEST(WeightKernelsTest, EveryHalfIsWidenedAsItsValue) {
  std::vector<std::uint16_t> halves(65536);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  for (const auto* kernels : {&weight_kernels(), &baseline_weight_kernels()}) {
    std::vector<float> floats(halves.size());
    kernels->widen[widen_row(ElementType::kF16)](std::as_bytes(std::span(halves)).data(),
                                                 halves.size(), floats.data());
    for (std::size_t i = 0; i < halves.size(); ++i) {
      const float expected = half_to_float(halves[i]);
      ASSERT_EQ(std::isnan(floats[i]), std::isnan(expected)) << i;
      if (std::isnan(expected)) continue;
      ASSERT_EQ(floats[i], expected) << i;
    }
  }
}

TEST(WeightKernelsTest, OnlyNumbersFromZeroToTheLargestFloatAreWeights) {
  const auto accepts = [](double value) {
    const auto bytes = [](const auto& array) { return std::as_bytes(std::span(array)).data(); };
    std::vector<double> doubles(100, 0.5);
    std::vector<float> floats(100, 0.5F);
    std::vector<float> out(100);
    doubles[77] = value;
    floats[77] = static_cast<float>(value);
    const auto& kernels = weight_kernels();
    const bool wide = kernels.widen[widen_row(ElementType::kF64)](bytes(doubles), 100, out.data());
    EXPECT_EQ(wide, kernels.widen[widen_row(ElementType::kF32)](bytes(floats), 100, out.data()));
    return wide;
  };
  EXPECT_TRUE(accepts(0));
  EXPECT_TRUE(accepts(static_cast<double>(std::numeric_limits<float>::max())));
  EXPECT_FALSE(accepts(-1e-9));
  EXPECT_FALSE(accepts(1e300));
  EXPECT_FALSE(accepts(std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace
}  // namespace hotexpert
