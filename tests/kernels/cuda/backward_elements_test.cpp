#include "kernels/cuda/plan/backward_elements.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/bfloat16.hpp"

namespace hotexpert {
namespace {

/// The slope by a small step, in fp64.
template <class Function>
double slope(const Function& f, double z) {
  constexpr double kStep = 1e-5;
  return (f(z + kStep) - f(z - kStep)) / (2 * kStep);
}

double silu(double z) { return z / (1 + std::exp(-z)); }
double gelu(double z) { return 0.5 * z * (1 + std::erf(z / std::sqrt(2.0))); }

TEST(BackwardElementsTest, GradientsAreTheSlopesOfTheActivations) {
  for (float z = -6; z <= 6; z += 0.37F) {
    const double at = static_cast<double>(z);
    const auto swiglu = swiglu_gradient(z, 1.5F, -0.75F);
    EXPECT_NEAR(swiglu.gate, -0.75 * 1.5 * slope(silu, at), 2e-6);
    EXPECT_NEAR(swiglu.up, -0.75 * silu(at), 2e-6);
    EXPECT_NEAR(activated_gradient(Epilogue::kGelu, z, 2.0F), 2 * slope(gelu, at), 2e-6);
    EXPECT_EQ(activated_gradient(Epilogue::kRelu, z, 2.0F), z > 0 ? 2.0F : 0.0F);
    EXPECT_EQ(activated_gradient(Epilogue::kNone, z, 2.0F), 2.0F);
  }
  EXPECT_TRUE(std::isnan(activated_gradient(Epilogue::kRelu, std::nanf(""), 1.0F)));
}

TEST(BackwardElementsTest, RoundsToBf16AsTheHostDoes) {
  for (const float value : {0.0F, -0.0F, 1.0F, 1.00390625F, 1.01171875F, -3.1415927F, 1e-40F,
                            3.4e38F, std::numeric_limits<float>::infinity(), std::nanf("")})
    EXPECT_EQ(bf16_bits(value), to_bf16(value).bits) << value;
}

TEST(BackwardElementsTest, APieceOfGradientsGoesToTheRowOfEachSlotScaledByItsWeight) {
  constexpr int kSlots = 3;
  const std::vector<std::int32_t> row_of_slot = {2, -1, 0, 1, 3, -1};  // two tokens
  const std::vector<float> weight = {0.5F, 9, 2, 0.25F, 1, 9};
  const std::vector<float> d_out = {1, 2, 3, 4, 10, 20, 30, 40};
  std::vector<Piece> in(2);
  std::memcpy(in.data(), d_out.data(), 32);
  std::vector<Piece> d_y(4, Piece{{7, 7, 7, 7}});
  for (int token = 0; token < 2; ++token)
    scale_piece<Fp32Piece>(in.data(), row_of_slot.data(), weight.data(), kSlots, 1, token, 0,
                           d_y.data());
  const auto value = [&](int row, int i) {
    return Fp32Piece::value(d_y[static_cast<std::size_t>(row)], i);
  };
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(value(2, i), 0.5F * static_cast<float>(1 + i));
    EXPECT_EQ(value(0, i), 2.0F * static_cast<float>(1 + i));
    EXPECT_EQ(value(1, i), 0.25F * static_cast<float>(10 * (1 + i)));
    EXPECT_EQ(value(3, i), static_cast<float>(10 * (1 + i)));
  }
}

TEST(BackwardElementsTest, LanesTogetherDotEveryValueOnce) {
  constexpr std::int64_t kPieces = 21;
  std::vector<Piece> y(kPieces);
  std::vector<Piece> d_out(kPieces);
  double expected = 0;
  for (std::int64_t piece = 0; piece < kPieces; ++piece) {
    float a[8];
    float b[8];
    for (int i = 0; i < 8; ++i) {
      a[i] = static_cast<float>(piece + i);
      b[i] = static_cast<float>(1 + piece % 3);
      expected += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    }
    y[static_cast<std::size_t>(piece)] = packed_piece(a);
    d_out[static_cast<std::size_t>(piece)] = packed_piece(b);
  }
  double sum = 0;
  for (std::int64_t lane = 0; lane < 32; ++lane)
    sum += static_cast<double>(dot_pieces<Bf16Piece>(y.data(), d_out.data(), kPieces, lane, 32));
  EXPECT_EQ(sum, expected);
}

}  // namespace
}  // namespace hotexpert
