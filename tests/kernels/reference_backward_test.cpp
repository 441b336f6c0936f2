#include "kernels/reference_backward.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/reference_expert.hpp"

namespace hotexpert {
namespace {

constexpr std::uint64_t kSeed = 5;
constexpr int kRows = 3;

/// One expert with a few rows, in fp32, so that every value can be moved.
class ReferenceBackwardTest : public testing::TestWithParam<Activation> {
 protected:
  ReferenceBackwardTest() {
    shape_.d_model = 7;
    shape_.d_ff = 5;
    shape_.activation = GetParam();
    draw_expert_weights(shape_, kSeed, 0, 1, weights_);
    x_ = AlignedBuffer(kRows * shape_.d_model * 4);
    d_out_ = AlignedBuffer(kRows * shape_.d_model * 4);
    draw_activations(shape_, kSeed, kRows, 1, x_.data());
    draw_activations(shape_, kSeed + 1, kRows, 1, d_out_.data());
  }

  [[nodiscard]] GradientRow row(int i) const {
    const std::int64_t bytes = shape_.d_model * 4;
    return {x_.data() + i * bytes, d_out_.data() + i * bytes, gate_[static_cast<std::size_t>(i)]};
  }
  [[nodiscard]] std::vector<GradientRow> rows() const { return {row(0), row(1), row(2)}; }

  /// L = sum over rows of gate weight * y · d_out.
  [[nodiscard]] double loss() const {
    double sum = 0;
    for (int i = 0; i < kRows; ++i) {
      const auto y = reference_expert(shape_, weights_, row(i).x);
      const auto* d_out = d_out_.as<float>() + i * shape_.d_model;
      for (std::size_t c = 0; c < y.size(); ++c)
        sum += static_cast<double>(gate_[static_cast<std::size_t>(i)]) * y[c] *
               static_cast<double>(d_out[c]);
    }
    return sum;
  }

  /// dL/d(value) by moving it a little both ways.
  double difference(float& value) const {
    constexpr float kStep = 0x1p-13F;
    const float before = value;
    value = before + kStep;
    const double high = loss();
    const double up = static_cast<double>(value);
    value = before - kStep;
    const double low = loss();
    const double down = static_cast<double>(value);
    value = before;
    return (high - low) / (up - down);
  }

  static void expect_near(double actual, double expected) {
    EXPECT_NEAR(actual, expected, 1e-6 * (1 + std::abs(expected)));
  }

  LayerShape shape_;
  ExpertWeights weights_;
  AlignedBuffer x_;
  AlignedBuffer d_out_;
  std::vector<float> gate_ = {0.75F, -0.5F, 1.25F};
};

TEST_P(ReferenceBackwardTest, GradientsByRowsAndGateWeightsAreThoseOfSmallSteps) {
  for (int i = 0; i < kRows; ++i) {
    const auto gradient = reference_row_gradient(shape_, weights_, row(i));
    EXPECT_FALSE(gradient.at_corner);
    ASSERT_EQ(std::ssize(gradient.x), shape_.d_model);
    for (std::int64_t c = 0; c < shape_.d_model; ++c)
      expect_near(gradient.x[static_cast<std::size_t>(c)],
                  difference(x_.as<float>()[i * shape_.d_model + c]));
    expect_near(gradient.gate_weight, difference(gate_[static_cast<std::size_t>(i)]));
  }
}

TEST_P(ReferenceBackwardTest, GradientsByWeightsAreThoseOfSmallSteps) {
  for (std::int64_t j = 0; j < shape_.d_ff; ++j) {
    const auto gradient = reference_column_gradient(shape_, weights_, rows(), j);
    EXPECT_FALSE(gradient.at_corner);
    EXPECT_EQ(gradient.gate.empty(), GetParam() != Activation::kSwiglu);
    for (std::int64_t i = 0; i < shape_.d_model; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (!gradient.gate.empty())
        expect_near(gradient.gate[at], difference(weights_.gate.as<float>()[i * shape_.d_ff + j]));
      expect_near(gradient.up[at], difference(weights_.up.as<float>()[i * shape_.d_ff + j]));
      expect_near(gradient.down[at], difference(weights_.down.as<float>()[j * shape_.d_model + i]));
    }
  }
}

TEST_P(ReferenceBackwardTest, SaysWhereReluHasItsCorner) {
  for (std::int64_t i = 0; i < shape_.d_model; ++i)
    weights_.up.as<float>()[i * shape_.d_ff + 2] = 0.0F;  // column 2 gives exactly 0
  const bool relu = GetParam() == Activation::kRelu;
  EXPECT_EQ(reference_row_gradient(shape_, weights_, row(1)).at_corner, relu);
  EXPECT_EQ(reference_column_gradient(shape_, weights_, rows(), 2).at_corner, relu);
  EXPECT_FALSE(reference_column_gradient(shape_, weights_, rows(), 3).at_corner);
}

TEST_P(ReferenceBackwardTest, AnExpertWithoutRowsHasZeroGradients) {
  const auto gradient = reference_column_gradient(shape_, weights_, {}, 1);
  EXPECT_EQ(gradient.up, std::vector<double>(7, 0.0));
  EXPECT_EQ(gradient.down, std::vector<double>(7, 0.0));
}

INSTANTIATE_TEST_SUITE_P(Activations, ReferenceBackwardTest,
                         testing::Values(Activation::kSwiglu, Activation::kGelu, Activation::kRelu),
                         [](const auto& row) { return std::string(name(row.param)); });

}  // namespace
}  // namespace hotexpert
