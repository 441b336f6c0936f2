#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/cpu/permute.hpp"
#include "profiler/cpu_backend.hpp"
#include "profiler/layer_check.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

constexpr std::uint64_t kSeed = 21;
constexpr int kHot = 2;

/// What is done wrong on purpose.
enum class Planted { kNothing, kWrongExpert, kSwappedTokens, kLostWeight, kTailIn, kTailDown };

LayerShape shape_of(DataType dtype, Activation activation, std::int64_t d_model,
                    std::int64_t d_ff) {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 2;
  shape.d_model = d_model;
  shape.d_ff = d_ff;
  shape.dtype = dtype;
  shape.activation = activation;
  return shape;
}

DispatchPlan skewed_plan() {
  return test::plan_of(
      test::route(40, 2, 4, [](auto t, int s) { return s == 0 ? kHot : int(t % 2 == 0 ? 0 : 3); }));
}

/// Zeros the last row of a [rows, columns] matrix: a product that stops one short of K.
void drop_last_row(const LayerShape& shape, std::int64_t rows, std::int64_t columns,
                   AlignedBuffer& matrix) {
  const auto bytes = columns * bytes_per_element(shape.dtype);
  std::fill_n(matrix.data() + (rows - 1) * bytes, bytes, std::byte{0});
}

/// One pass of a CPU kernel with the fault in it, compared with fp64 as a backend does.
LayerError error_of(std::string_view kernel_name, const LayerShape& shape, Planted planted) {
  const auto plan = skewed_plan();
  const auto kernel = make_cpu_kernel(shape, kernel_name, shape.num_experts, 2);
  ExpertWeights weights;
  for (int expert = 0; expert < shape.num_experts; ++expert) {
    const bool hot = expert == kHot;
    draw_expert_weights(shape, kSeed, hot && planted == Planted::kWrongExpert ? 0 : expert, 2,
                        weights);
    if (hot && planted == Planted::kTailIn) {
      drop_last_row(shape, shape.d_model, shape.d_ff, weights.up);
      if (shape.activation == Activation::kSwiglu)
        drop_last_row(shape, shape.d_model, shape.d_ff, weights.gate);
    }
    if (hot && planted == Planted::kTailDown)
      drop_last_row(shape, shape.d_ff, shape.d_model, weights.down);
    kernel->set_weights(expert, weights);
  }
  const auto rows = kernel->arrange(plan);
  auto used = rows;
  if (planted == Planted::kSwappedTokens) {
    const auto first = static_cast<std::size_t>(rows.experts[kHot].first);
    std::swap(used.source_token[first], used.source_token[first + 1]);
  }
  if (planted == Planted::kLostWeight) used.weight_of_slot[0] = 0;
  const auto row_bytes = shape.d_model * bytes_per_element(shape.dtype);
  AlignedBuffer activations(plan.tokens * row_bytes);
  AlignedBuffer x(rows.buffer_rows() * row_bytes);
  AlignedBuffer y(rows.buffer_rows() * row_bytes);
  draw_activations(shape, kSeed, plan.tokens, 2, activations.data());
  const auto pass = kernel->prepare(rows);
  x.poison();
  y.poison();
  const auto blocks = kernel->input_blocks();
  permute(used, activations.data(), {x.data(), rows.buffer_rows(), blocks, shape.dtype}, 2);
  pass->run({x.data(), rows.buffer_rows(), blocks, shape.dtype}, y.data());
  std::vector<float> out(static_cast<std::size_t>(plan.tokens * shape.d_model));
  combine(used, y.data(), shape.dtype, shape.d_model, out.data(), 2);
  return check_layer(shape, kSeed, {&rows, activations.data(), y.data(), out.data()}, 2);
}

class PlantedFaultTest : public testing::TestWithParam<const char*> {
 protected:
  /// In both data types and both kinds of activation.
  static void expect_caught(Planted planted, int expert) {
    for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
      for (const auto activation : {Activation::kSwiglu, Activation::kGelu}) {
        const auto shape = shape_of(dtype, activation, 96, 80);
        if (cpu_kernel_unsupported(shape, GetParam(), 4, 2)) continue;
        EXPECT_LE(error_of(GetParam(), shape, Planted::kNothing).largest, error_tolerance(dtype));
        const auto error = error_of(GetParam(), shape, planted);
        EXPECT_GT(error.largest, 3 * error_tolerance(dtype)) << name(dtype);
        EXPECT_EQ(error.expert, expert) << name(dtype) << ", token " << error.token;
      }
    }
  }
};

TEST_P(PlantedFaultTest, AWrongExpertIsCaughtAndNamed) {
  expect_caught(Planted::kWrongExpert, kHot);
}
TEST_P(PlantedFaultTest, SwappedTokensAreCaughtAndTheirExpertNamed) {
  expect_caught(Planted::kSwappedTokens, kHot);
}
TEST_P(PlantedFaultTest, ALostGateWeightIsCaughtInItsToken) {
  expect_caught(Planted::kLostWeight, -1);
}
TEST_P(PlantedFaultTest, AnUpProductThatEndsOneShortIsCaughtAndItsExpertNamed) {
  expect_caught(Planted::kTailIn, kHot);
}
TEST_P(PlantedFaultTest, ADownProductThatEndsOneShortIsCaughtAndItsExpertNamed) {
  expect_caught(Planted::kTailDown, kHot);
}

INSTANTIATE_TEST_SUITE_P(CpuKernels, PlantedFaultTest,
                         testing::Values("reference", "loop", "padded", "grouped", "eigen-grouped"),
                         [](const auto& row) {
                           std::string text = row.param;
                           for (char& c : text) c = c == '-' ? '_' : c;
                           return text;
                         });

/// One of K terms is 1 / sqrt(K) of a sum's size, so the longer K, the nearer to the tolerance.
TEST(PlantedFaultSizeTest, ATailOfOneIsCaughtInTheLongestInnerDimensionOfAPreset) {
  constexpr std::int64_t kMixtralInner = 14336;
  for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
    auto shape = shape_of(dtype, Activation::kRelu, 16, kMixtralInner);
    if (cpu_kernel_unsupported(shape, "grouped", 4, 2)) continue;
    EXPECT_LE(error_of("grouped", shape, Planted::kNothing).largest, error_tolerance(dtype));
    EXPECT_GT(error_of("grouped", shape, Planted::kTailDown).largest, error_tolerance(dtype))
        << name(dtype);
  }
}

/// The same faults in a plugin: named with its expert before anything is timed.
class FaultyPluginTest : public testing::TestWithParam<const char*> {};

TEST_P(FaultyPluginTest, IsCaughtAndItsExpertNamed) {
  const auto shape = shape_of(DataType::kFp32, Activation::kSwiglu, 64, 48);
  const auto backend = make_cpu_backend(1);
  const std::string plugin = "plugin:" HOTEXPERT_BINARY_DIR "/plugins/faulty.so";
  const auto error_with = [&](const std::string& kernel, int& bad_expert) {
    const auto layer = backend->prepare(shape, kernel, 4, kSeed);
    const int handle = layer->load(skewed_plan());
    layer->run(handle);
    return layer->verify(handle, bad_expert);
  };
  int bad_expert = -1;
  EXPECT_LE(error_with(plugin, bad_expert), 5e-6);
  EXPECT_GT(error_with(plugin + ":fault=" + GetParam(), bad_expert), 1e-3);
  EXPECT_EQ(bad_expert, kHot);
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultyPluginTest,
                         testing::Values("wrong_expert", "swapped_rows", "k_tail", "unwritten"));

}  // namespace
}  // namespace hotexpert
