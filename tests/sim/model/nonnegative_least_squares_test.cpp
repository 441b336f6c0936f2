#include "sim/model/nonnegative_least_squares.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

/// Smallest squared residual over a grid of non-negative points.
double smallest_on_grid(const std::vector<double>& a, const std::vector<double>& b) {
  double best = 0;
  for (const double value : b) best += value * value;
  const auto residual = [&](double x0, double x1) {
    double sum = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
      const double d = a[2 * i] * x0 + a[2 * i + 1] * x1 - b[i];
      sum += d * d;
    }
    return sum;
  };
  for (int i = 0; i <= 400; ++i) {
    for (int j = 0; j <= 400; ++j) best = std::min(best, residual(i * 0.01, j * 0.01));
  }
  return best;
}

TEST(NonnegativeLeastSquaresTest, IsNeverBeatenByAGridOfNonnegativePoints) {
  for (std::uint32_t item = 0; item < 30; ++item) {
    RandomStream random({9, RandomPurpose::kTest, 0, 0}, item);
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < 5; ++i) {
      a.push_back(random.normal());
      a.push_back(random.normal());
      b.push_back(random.normal());
    }
    const auto x = nonnegative_least_squares(a, b, 2);
    double reached = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
      const double d = a[2 * i] * x[0] + a[2 * i + 1] * x[1] - b[i];
      reached += d * d;
    }
    EXPECT_GE(x[0], 0);
    EXPECT_GE(x[1], 0);
    EXPECT_LE(reached, smallest_on_grid(a, b) + 1e-9) << "seed item " << item;
  }
}

TEST(NonnegativeLeastSquaresTest, ColumnsThatHelpOnlyWithANegativeFactorAreLeftOut) {
  // b = 2 a0 - a1: the best non-negative answer drops a1 and projects on a0.
  const std::vector<double> a = {1, 0, 0, 1, 0, 0};
  const auto x = nonnegative_least_squares(a, std::vector<double>{2, -1, 0}, 2);
  EXPECT_DOUBLE_EQ(x[0], 2);
  EXPECT_EQ(x[1], 0);
}

}  // namespace
}  // namespace hotexpert
