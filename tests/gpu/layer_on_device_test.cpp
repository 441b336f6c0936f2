#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <tuple>

#include "kernels/bfloat16.hpp"
#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "kernels/expert_weights.hpp"
#include "kernels/reference_expert.hpp"
#include "tests/gpu/device_layer_run.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

using test::Routing;

/// A routing by name: what every kernel must survive.
Routing routing_of(const std::string& name, int experts) {
  if (name == "one_token") return test::route(1, 2, experts, [](auto, int s) { return 3 * s; });
  if (name == "all_on_one") return test::route(200, 1, experts, [](auto, int) { return 5; });
  return test::route(333, 2, experts, [&](auto t, int s) -> int {
    if (name == "uniform") return int((t + s * 3) % experts);
    if (name == "hot") return s == 0 ? 2 : int(3 + t % (experts - 3));
    if (name == "empty_experts") return t % 2 == 0 ? 1 + s : 4 + s;
    // Zipf-like: expert e about 1 / (e + 1) of the tokens, and another one beside it
    const int first = static_cast<int>(std::exp(static_cast<double>(t % 97) / 97.0 *
                                                std::log(static_cast<double>(experts)))) -
                      1;
    return (first + s) % experts;
  });
}

LayerShape shape_of(DataType dtype, Activation activation) {
  LayerShape shape;
  shape.num_experts = 8;
  shape.top_k = 2;
  shape.d_model = 264;  // no multiple of a tile: ragged in rows, columns and depth
  shape.d_ff = 328;
  shape.dtype = dtype;
  shape.activation = activation;
  return shape;
}

/// Each value within the rounding of bf16 (or fp32) of the value and of the row's size.
void expect_componentwise(const LayerShape& shape, std::uint64_t seed, const ExpertRows& rows,
                          const std::vector<std::byte>& y) {
  const double unit = shape.dtype == DataType::kBf16 ? 0x1p-8 : 0x1p-21;
  AlignedBuffer x(rows.tokens * shape.d_model * bytes_per_element(shape.dtype));
  draw_activations(shape, seed, rows.tokens, 2, x.data());
  const void* values = y.data();
  for (std::size_t e = 0; e < rows.experts.size(); ++e) {
    ExpertWeights weights;
    draw_expert_weights(shape, seed, static_cast<int>(e), 2, weights);
    for (std::int64_t i = 0; i < rows.experts[e].used; i += 37) {
      const std::int64_t row = rows.experts[e].first + i;
      const auto token = rows.source_token[static_cast<std::size_t>(row)];
      const auto ref = reference_expert(
          shape, weights, x.data() + token * shape.d_model * bytes_per_element(shape.dtype));
      double square = 0;
      for (const double v : ref) square += v * v;
      const double size = std::sqrt(square / static_cast<double>(ref.size()));
      for (std::size_t c = 0; c < ref.size(); ++c) {
        const auto at = static_cast<std::size_t>(row * shape.d_model) + c;
        const double out = shape.dtype == DataType::kBf16
                               ? static_cast<double>(to_float(static_cast<const Bf16*>(values)[at]))
                               : static_cast<double>(static_cast<const float*>(values)[at]);
        EXPECT_LE(std::abs(out - ref[c]), unit * (std::abs(ref[c]) + 4 * size))
            << "expert " << e << " row " << i << " column " << c;
      }
    }
  }
}

class LayerOnDevice : public test::OnDevice,
                      public testing::WithParamInterface<std::tuple<std::string, std::string>> {};

TEST_P(LayerOnDevice, EqualsTheReference) {
  const auto& [kernel, routing_name] = GetParam();
  const auto device = runtime().device();
  const auto backend = make_cuda_layer_backend(make_device_runtime(), 4);
  const auto plan = test::plan_of(routing_of(routing_name, 8));
  std::uint64_t seed = 100;
  int checked = 0;
  for (const auto dtype : {DataType::kBf16, DataType::kFp32}) {
    for (const auto activation : {Activation::kSwiglu, Activation::kGelu, Activation::kRelu}) {
      const auto shape = shape_of(dtype, activation);
      if (backend->unsupported(shape, kernel)) continue;
      ++checked;
      ++seed;  // fresh weights and tokens
      const auto layer = backend->prepare(shape, kernel, 8, seed);
      const int handle = layer->load(plan);  // poisons
      layer->run(handle);
      int bad = -1;
      const double tolerance = dtype == DataType::kBf16 ? 5e-3 : 5e-6;
      EXPECT_LE(layer->verify(handle, bad), tolerance)
          << name(dtype) << ' ' << name(activation) << " expert " << bad;
      const auto first = layer->read_output(handle);
      layer->run(handle);
      EXPECT_EQ(first, layer->read_output(handle)) << "another run gives other bits";

      const auto choice = choose_cuda_kernel(shape, kernel, plan.tokens, device);
      const auto rows = choice.strategy == CudaStrategy::kPadded ? padded_rows(plan, shape)
                                                                 : compact_rows(plan, shape);
      const auto raw = runtime().make_layer(shape, 8, seed, choice.weight_sets);
      const int raw_handle = raw->load(rows, choice);
      raw->run(raw_handle);
      expect_componentwise(shape, seed, rows, raw->read_expert_rows(raw_handle));
    }
  }
  if (checked == 0)
    GTEST_SKIP() << *backend->unsupported(shape_of(DataType::kBf16, Activation::kSwiglu), kernel);
}

std::vector<std::string> kernels() {
  std::vector<std::string> names;
  for (const auto& row : cuda_kernels()) names.emplace_back(row.name);
  for (const char* more :
       {"grouped-sm90:order=hot-first:tile_rows=128", "grouped-sm90:order=dynamic:tile_rows=128",
        "grouped-sm90:cluster=2", "grouped-sm90:store=bulk:tile_rows=128",
        "grouped-sm90:cluster=2:tile_rows=128:order=hot-first", "grouped-sm90:launch=eager",
        "grouped-mma:order=hot-first", "padded:gemm=own", "loop:gemm=own", "loop:launch=eager",
        "streams:gemm=own", "grouped:cache=cold", "grouped:cache=steady:layers=2"})
    names.emplace_back(more);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Kernels, LayerOnDevice,
                         testing::Combine(testing::ValuesIn(kernels()),
                                          testing::Values("uniform", "hot", "zipf", "empty_experts",
                                                          "one_token", "all_on_one")),
                         [](const auto& row) {
                           std::string text = std::get<0>(row.param) + "_" + std::get<1>(row.param);
                           for (char& c : text)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return text;
                         });

std::string plugin_beside_the_program() {
  const char* given = std::getenv("HOTEXPERT_PLUGINS");
  return "plugin:" + std::string(given == nullptr ? HOTEXPERT_BINARY_DIR "/plugins" : given) +
         "/expert_rows.so";
}

class PluginOnDevice : public test::OnDevice {};

TEST_F(PluginOnDevice, ComputesWhatTheReferenceComputes) {
  const auto backend = make_cuda_layer_backend(make_device_runtime(), 4);
  for (const char* routing : {"hot", "empty_experts", "one_token"}) {
    for (const auto dtype : {DataType::kBf16, DataType::kFp32}) {
      const auto shape = shape_of(dtype, Activation::kSwiglu);
      const auto layer = backend->prepare(shape, plugin_beside_the_program(), 8, 31);
      const int handle = layer->load(test::plan_of(routing_of(routing, 8)));
      layer->run(handle);
      int bad = -1;
      EXPECT_LE(layer->verify(handle, bad), dtype == DataType::kBf16 ? 5e-3 : 5e-6)
          << routing << ' ' << name(dtype) << " expert " << bad;
      EXPECT_NE(layer->run_traced(handle).untraced, "");
    }
  }
}

class TraceOnDevice : public test::OnDevice {};

TEST_F(TraceOnDevice, HasEachTileOnceInsideTheExpertPhaseAndTheSameBits) {
  const auto shape = shape_of(DataType::kBf16, Activation::kSwiglu);
  const auto backend = make_cuda_layer_backend(make_device_runtime(), 4);
  const auto plan = test::plan_of(routing_of("hot", 8));
  for (const char* kernel : {"grouped-sm90", "grouped-sm90:order=dynamic:launch=eager",
                             "grouped-sm90:tile_rows=128", "padded:gemm=own"}) {
    if (const auto reason = backend->unsupported(shape, kernel)) GTEST_SKIP() << *reason;
    const auto layer = backend->prepare(shape, kernel, 8, 7);
    const int handle = layer->load(plan);
    layer->run(handle);
    const auto untraced = layer->read_output(handle);
    EXPECT_GT(layer->launches(handle), 5) << kernel;
    for (int pass = 0; pass < 3; ++pass) {
      const auto traced = layer->run_traced(handle);
      ASSERT_EQ(traced.untraced, "") << kernel;
      EXPECT_EQ(timeline_faults(traced.timeline), std::vector<std::string>{}) << kernel;
      // Anchored at steps of the timer: the ends may be off by one of them.
      EXPECT_LE(summarise(traced.timeline).span_s, *traced.times.expert_ffn_s + 3e-6) << kernel;
      EXPECT_EQ(layer->read_output(handle), untraced) << kernel;
    }
  }
}

}  // namespace
}  // namespace hotexpert
