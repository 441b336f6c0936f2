#include "kernels/cuda/plan/layer_elements.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/cpu/permute.hpp"
#include "kernels/cuda/plan/normal_element.hpp"
#include "kernels/expert_weights.hpp"
#include "kernels/normal_data.hpp"
#include "sim/base/random.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

struct Layer {
  LayerShape shape;
  ExpertRows rows;
  AlignedBuffer activations;
  std::int64_t row_bytes = 0;

  Layer(DataType dtype, bool padded) {
    shape.num_experts = 4;
    shape.top_k = 2;
    shape.d_model = 24;
    shape.d_ff = 16;
    shape.dtype = dtype;
    const auto routing =
        test::route(13, 2, 4, [](auto t, int s) { return t == 5 ? -1 : int(t + s) % 3; });
    const auto plan = test::plan_of(routing);
    rows = padded ? padded_rows(plan, shape) : compact_rows(plan, shape);
    row_bytes = shape.d_model * bytes_per_element(dtype);
    activations.reserve(rows.tokens * row_bytes);
    draw_activations(shape, 3, rows.tokens, 1, activations.data());
  }
};

/// All threads of the permute kernel, on the host.
AlignedBuffer permuted(const Layer& layer) {
  AlignedBuffer out(layer.rows.buffer_rows() * layer.row_bytes);
  std::memset(out.data(), 0, static_cast<std::size_t>(out.bytes()));
  const std::int64_t pieces = layer.row_bytes / 16;
  for (std::int64_t token = 0; token < layer.rows.tokens; ++token)
    for (std::int64_t piece = 0; piece < pieces; ++piece)
      permute_piece(layer.activations.as<Piece>(), layer.rows.row_of_slot.data(), layer.rows.slots,
                    pieces, token, piece, out.as<Piece>());
  return out;
}

TEST(LayerElementsTest, PermuteMovesTheRowsThatTheCpuMoves) {
  for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
    for (const bool padded : {false, true}) {
      const Layer layer(dtype, padded);
      const auto ours = permuted(layer);
      AlignedBuffer theirs(ours.bytes());
      permute(layer.rows, layer.activations.data(),
              {theirs.data(),
               layer.rows.buffer_rows(),
               {layer.shape.d_model, layer.shape.d_model},
               dtype,
               0},
              1);
      EXPECT_EQ(std::memcmp(ours.data(), theirs.data(), static_cast<std::size_t>(ours.bytes())), 0);
    }
  }
}

template <class Format>
std::vector<float> combined(const Layer& layer, const AlignedBuffer& y) {
  std::vector<float> out(static_cast<std::size_t>(layer.rows.tokens * layer.shape.d_model), -1.0F);
  const std::int64_t pieces = layer.row_bytes / 16;
  for (std::int64_t token = 0; token < layer.rows.tokens; ++token)
    for (std::int64_t piece = 0; piece < pieces; ++piece)
      combine_piece<Format>(y.as<Piece>(), layer.rows.row_of_slot.data(),
                            layer.rows.weight_of_slot.data(), layer.rows.slots, pieces, token,
                            piece, out.data());
  return out;
}

TEST(LayerElementsTest, CombineAddsWhatTheCpuAdds) {
  for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
    const Layer layer(dtype, false);
    const auto y = permuted(layer);  // any rows will do
    const auto ours =
        dtype == DataType::kFp32 ? combined<Fp32Piece>(layer, y) : combined<Bf16Piece>(layer, y);
    std::vector<float> theirs(ours.size(), -2.0F);
    combine(layer.rows, y.data(), dtype, layer.shape.d_model, theirs.data(), 1);
    EXPECT_EQ(ours, theirs);
    for (std::int64_t c = 0; c < layer.shape.d_model; ++c)
      EXPECT_EQ(ours[static_cast<std::size_t>(5 * layer.shape.d_model + c)], 0.0F)
          << "token 5 has no rows";
  }
}

TEST(LayerElementsTest, ActivationsAreTheReferences) {
  EXPECT_NEAR(activated(Epilogue::kGelu, 1.0F), 0.841345, 1e-6);
  EXPECT_EQ(activated(Epilogue::kRelu, -2.0F), 0.0F);
  EXPECT_EQ(activated(Epilogue::kRelu, 2.0F), 2.0F);
  EXPECT_TRUE(std::isnan(activated(Epilogue::kRelu, std::nanf(""))));
  EXPECT_EQ(activated(Epilogue::kNone, -3.0F), -3.0F);
  EXPECT_NEAR(swiglu(2.0F, 3.0F), 2.0 / (1.0 + std::exp(-2.0)) * 3.0, 1e-6);
  EXPECT_EQ(swiglu(-200.0F, 3.0F), 0.0F);
}

TEST(NormalElementTest, IsTheNumberThatTheHostDraws) {
  const RandomKey key{99, RandomPurpose::kWeights, 2, 5};
  std::vector<float> host(1000);
  void* bytes = host.data();
  fill_normal(key, 17, 0, std::ssize(host), 0.25F, DataType::kFp32, static_cast<std::byte*>(bytes));
  const auto words = philox_key(key.seed, key.purpose);
  const NormalSequence sequence{
      {words[0], words[1]}, key.step, key.layer, 0.25F, normal_quantiles().data()};
  for (std::size_t i = 0; i < host.size(); ++i)
    ASSERT_EQ(normal_element(sequence, 17, static_cast<std::int64_t>(i)), host[i]);
}

}  // namespace
}  // namespace hotexpert
