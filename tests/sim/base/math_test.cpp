#include "sim/base/math.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

TEST(PortableMathTest, ExpAndLogAgreeWithTheLibraryToAFewUlp) {
  RandomStream stream({.seed = 1, .purpose = RandomPurpose::kTest}, 0);
  for (int i = 0; i < 100000; ++i) {
    const double x = -700 + 1400 * stream.uniform();
    EXPECT_NEAR(portable_exp(x) / std::exp(x), 1.0, 1e-15);
    const double y = std::exp(x);
    EXPECT_NEAR(portable_log(y), std::log(y), 1e-15 * std::max(1.0, std::fabs(x)));
  }
  EXPECT_EQ(portable_exp(0), 1.0);
  EXPECT_EQ(portable_log(1), 0.0);
  EXPECT_EQ(portable_exp(-1000), 0.0);
  EXPECT_TRUE(std::isinf(portable_exp(1000)));
  EXPECT_TRUE(std::isinf(portable_log(0)));
  EXPECT_TRUE(std::isnan(portable_log(-1)));
}

TEST(PortableMathTest, NormalQuantileInvertsTheNormalDistribution) {
  for (double p = 1e-6; p < 1; p += 1e-3) {
    const double z = portable_normal_quantile(p);
    EXPECT_NEAR(0.5 * std::erfc(-z / std::sqrt(2.0)), p, 1e-8);
  }
}

}  // namespace
}  // namespace hotexpert
