#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "tests/gpu/device_layer_run.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

/// A routing by name: what every backward kernel must survive.
test::Routing backward_routing(const std::string& name, int experts) {
  if (name == "one_token") return test::route(1, 2, experts, [](auto, int s) { return 3 * s; });
  if (name == "all_on_one") return test::route(700, 1, experts, [](auto, int) { return 5; });
  return test::route(333, 2, experts, [&](auto t, int s) -> int {
    if (name == "uniform") return int((t + s * 3) % experts);
    if (name == "hot") return s == 0 ? 2 : int(3 + t % (experts - 3));
    return t % 2 == 0 ? 1 + s : 4 + s;  // experts without tokens
  });
}

LayerShape backward_shape(DataType dtype, Activation activation) {
  LayerShape shape;
  shape.num_experts = 8;
  shape.top_k = 2;
  shape.d_model = 264;  // no multiple of a tile
  shape.d_ff = 328;
  shape.num_shared_experts = 1;
  shape.dtype = dtype;
  shape.activation = activation;
  return shape;
}

class BackwardOnDevice : public test::OnDevice,
                         public testing::WithParamInterface<std::tuple<std::string, std::string>> {
};

TEST_P(BackwardOnDevice, EveryGradientIsThatOfFp64AndEveryRunGivesTheSameBits) {
  const auto& [kernel, routing] = GetParam();
  const auto plan = test::plan_of(backward_routing(routing, 8));
  std::uint64_t seed = 300;
  int checked = 0;
  for (const auto pass : {LayerPass::kBackward, LayerPass::kTraining}) {
    const auto backend = make_cuda_layer_backend(make_device_runtime(), 4, pass);
    for (const auto dtype : {DataType::kBf16, DataType::kFp32}) {
      for (const auto activation : {Activation::kSwiglu, Activation::kGelu, Activation::kRelu}) {
        const auto shape = backward_shape(dtype, activation);
        if (backend->unsupported(shape, kernel)) continue;
        ++checked;
        ++seed;  // fresh weights, tokens and output gradients
        const auto layer = backend->prepare(shape, kernel, 8, seed);
        const int handle = layer->load(plan);  // poisons
        layer->run(handle);
        int bad = -1;
        EXPECT_LE(layer->verify(handle, bad), dtype == DataType::kBf16 ? 5e-3 : 5e-6)
            << name(pass) << ' ' << name(dtype) << ' ' << name(activation) << " expert " << bad;
        const auto first = layer->read_output(handle);
        layer->run(handle);
        EXPECT_EQ(first, layer->read_output(handle)) << "another run gives other bits";
      }
    }
  }
  if (checked == 0) GTEST_SKIP() << "not measured: no data type of " << kernel << " runs here";
}

std::vector<std::string> backward_kernels() {
  std::vector<std::string> names;
  for (const auto& row : cuda_kernels()) names.emplace_back(row.name);
  for (const char* more :
       {"grouped:wgrad=split:split_rows=64", "grouped-mma:wgrad=split:split_rows=48",
        "grouped-plain:wgrad=split:split_rows=32", "grouped-sm90:launch=eager", "padded:gemm=own",
        "loop:gemm=own", "streams:gemm=own", "grouped:cache=cold"})
    names.emplace_back(more);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Kernels, BackwardOnDevice,
                         testing::Combine(testing::ValuesIn(backward_kernels()),
                                          testing::Values("uniform", "hot", "empty_experts",
                                                          "one_token", "all_on_one")),
                         [](const auto& row) {
                           std::string text = std::get<0>(row.param) + "_" + std::get<1>(row.param);
                           for (char& c : text)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return text;
                         });

}  // namespace
}  // namespace hotexpert
