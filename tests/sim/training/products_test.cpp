#include "sim/training/products.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "sim/training/flush_subnormals.hpp"
#include "sim/training/training_random.hpp"

namespace hotexpert::training {

void PrintTo(const ProductSet<float>& set, std::ostream* out) { *out << set.instruction_set; }

namespace {

std::vector<float> draw(std::int64_t count, std::uint32_t item) {
  std::vector<float> values(static_cast<std::size_t>(count));
  fill_normal(RandomKey{1, RandomPurpose::kTest, 0, 0}, item, 1.0, std::span(values));
  return values;
}

/// C[m, n] in plain loops and fp64, from element functions.
void expect_product(std::int64_t m, std::int64_t n, std::int64_t k,
                    const std::function<float(std::int64_t, std::int64_t)>& a,
                    const std::function<float(std::int64_t, std::int64_t)>& b,
                    const std::vector<float>& c) {
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double expected = 0;
      double size = 0;
      for (std::int64_t p = 0; p < k; ++p) {
        const double term = static_cast<double>(a(i, p)) * static_cast<double>(b(p, j));
        expected += term;
        size += std::abs(term);
      }
      EXPECT_NEAR(static_cast<double>(c[static_cast<std::size_t>(i * n + j)]), expected,
                  1e-6 * size);
    }
  }
}

/// Each set of kernels that this processor runs.
class ProductsTest : public testing::TestWithParam<ProductSet<float>> {};

INSTANTIATE_TEST_SUITE_P(Sets, ProductsTest, testing::ValuesIn(runnable_products<float>()),
                         [](const auto& set) { return set.param.instruction_set; });

TEST_P(ProductsTest, EachFormEqualsPlainLoops) {
  const auto& math = *GetParam().kernels;
  for (const std::int64_t m : {1, 3, 17}) {
    for (const std::int64_t n : {1, 8, 33}) {
      const std::int64_t k = 19;
      const auto a = draw(m * k, 1);
      const auto b = draw(k * n, 2);
      const auto at = [](const std::vector<float>& v, std::int64_t stride) {
        return [&v, stride](std::int64_t i, std::int64_t j) {
          return v[static_cast<std::size_t>(i * stride + j)];
        };
      };
      const auto flipped = [](const std::vector<float>& v, std::int64_t stride) {
        return [&v, stride](std::int64_t i, std::int64_t j) {
          return v[static_cast<std::size_t>(j * stride + i)];
        };
      };
      std::vector<float> c(static_cast<std::size_t>(m * n));
      math.multiply(m, n, k, a.data(), b.data(), c.data());
      expect_product(m, n, k, at(a, k), at(b, n), c);
      math.multiply_left_transposed(m, n, k, a.data(), b.data(), c.data());
      expect_product(m, n, k, flipped(a, m), at(b, n), c);
      math.multiply_right_transposed(m, n, k, a.data(), b.data(), c.data());
      expect_product(m, n, k, at(a, k), flipped(b, k), c);
    }
  }
}

TEST_P(ProductsTest, SwigluIsSiluOfTheGateTimesUp) {
  const auto gate_up = draw(2 * 2 * 11, 3);
  std::vector<float> hidden(2 * 11);
  GetParam().kernels->swiglu(2, 11, gate_up.data(), hidden.data());
  for (std::size_t r = 0; r < 2; ++r) {
    for (std::size_t j = 0; j < 11; ++j) {
      const double gate = static_cast<double>(gate_up[r * 22 + j]);
      const double up = static_cast<double>(gate_up[r * 22 + 11 + j]);
      EXPECT_NEAR(static_cast<double>(hidden[r * 11 + j]), gate / (1 + std::exp(-gate)) * up, 1e-6);
    }
  }
}

TEST_P(ProductsTest, SquaredNormAddsEverySquare) {
  const auto values = draw(1300, 4);
  double expected = 0;
  for (const float value : values) {
    expected += static_cast<double>(value) * static_cast<double>(value);
  }
  EXPECT_NEAR(GetParam().kernels->squared_norm(1300, values.data()), expected, 1e-5 * expected);
}

TEST(AdamwTest, FollowsThePublishedUpdate) {
  const AdamwStep step{0.1, 0.9, 0.99, 1e-8, 0.5, 1 / (1 - 0.9), 1 / (1 - 0.99)};
  const std::vector<double> gradient = {2.0, -4.0};
  for (const auto& [name, kernels] : runnable_products<double>()) {
    std::vector<double> first(2);
    std::vector<double> second(2);
    std::vector<double> value = {1.0, 1.0};
    kernels->adamw(2, step, gradient.data(), first.data(), second.data(), value.data());
    // First step: the corrected moments are g and g^2, so each value moves by the learning rate.
    EXPECT_NEAR(value[0], 1.0 * (1 - 0.1 * 0.5) - 0.1, 1e-8) << name;
    EXPECT_NEAR(value[1], 1.0 * (1 - 0.1 * 0.5) + 0.1, 1e-8) << name;
    EXPECT_NEAR(first[1], -0.4, 1e-15) << name;
    EXPECT_NEAR(second[1], 0.16, 1e-15) << name;
  }
}

TEST(FlushSubnormalsTest, RestoresTheModeOfTheThread) {
  volatile double tiny = 1e-308;
  {
    const FlushSubnormals flush;
    (void)flush;
  }
  EXPECT_GT(tiny * 0.1, 0.0);
}

}  // namespace
}  // namespace hotexpert::training
