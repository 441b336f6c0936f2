#include <gtest/gtest.h>

#include <algorithm>

#include "tests/kernels/support/training_run.hpp"

namespace hotexpert {
namespace {

using test::Routing;
using test::shape_of;
using test::tolerance;

std::vector<CpuKernelRow> kernels_with_backward() {
  std::vector<CpuKernelRow> rows;
  for (const auto& row : cpu_kernels())
    if (row.make_training != nullptr) rows.push_back(row);
  return rows;
}

bool has_split(const CpuKernelRow& row) {
  return std::ranges::any_of(row.params, [](const auto& param) { return param.name == "wgrad"; });
}

/// Every gradient of every kernel with a backward pass must be what the plain loops compute.
class TrainingKernelContract : public testing::TestWithParam<CpuKernelRow> {
 protected:
  static void expect_equals_reference(const LayerShape& shape, const Routing& routing,
                                      const DispatchPlan& plan, const std::string& params = "",
                                      const std::vector<Activation>& activations = {
                                          Activation::kSwiglu, Activation::kGelu,
                                          Activation::kRelu}) {
    for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
      for (const auto activation : activations) {
        LayerShape here = shape;
        here.dtype = dtype;
        here.activation = activation;
        if (GetParam().unsupported(here)) continue;
        SCOPED_TRACE(std::string(name(dtype)) + " " + std::string(name(activation)));
        const auto expected = test::expected_gradients(here, routing);
        compare(test::run_training(GetParam(), here, plan, 2, params), expected,
                test::expected_layer(here, routing), tolerance(dtype));
        if (has_split(GetParam()))
          compare(test::run_training(GetParam(), here, plan, 2, ":wgrad=split:split_rows=16"),
                  expected, test::expected_layer(here, routing), tolerance(dtype));
      }
    }
  }
  static void expect_equals_reference(const LayerShape& shape, const Routing& routing) {
    expect_equals_reference(shape, routing, test::plan_of(routing));
  }

 private:
  static void compare(const test::TrainingRun& run, const test::ExpectedGradients& expected,
                      const std::vector<double>& out, double most) {
    EXPECT_LE(test::relative_error(run.out, out), most);
    EXPECT_LE(test::relative_error(run.d_in, expected.d_in), most);
    EXPECT_LE(test::relative_error(run.d_weights, expected.d_weights), most);
    ASSERT_EQ(run.gradients.size(), expected.experts.size());
    for (std::size_t e = 0; e < run.gradients.size(); ++e) {
      EXPECT_LE(test::relative_error(run.gradients[e].gate, expected.experts[e].gate), most) << e;
      EXPECT_LE(test::relative_error(run.gradients[e].up, expected.experts[e].up), most) << e;
      EXPECT_LE(test::relative_error(run.gradients[e].down, expected.experts[e].down), most) << e;
    }
  }
};

TEST_P(TrainingKernelContract, UniformRouting) {
  const auto routing = test::route(24, 2, 4, [](auto t, int s) { return int((t + s) % 4); });
  expect_equals_reference(shape_of(4, 2, 64, 96), routing);
}

TEST_P(TrainingKernelContract, AHotExpertBesideColdOnesAndOnesWithoutAnyToken) {
  const auto routing = test::route(
      90, 2, 8, [](auto t, int s) { return s == 0 ? 5 : int(t % 2 == 0 ? t / 2 % 4 : 6); });
  expect_equals_reference(shape_of(8, 2, 48, 64), routing);
}

TEST_P(TrainingKernelContract, OneToken) {
  const auto routing = test::route(1, 2, 3, [](auto, int s) { return 2 - 2 * s; });
  expect_equals_reference(shape_of(3, 2, 64, 64), routing);
}

TEST_P(TrainingKernelContract, AllTokensOnOneExpert) {
  const auto routing = test::route(300, 1, 4, [](auto, int) { return 3; });
  expect_equals_reference(shape_of(4, 1, 32, 32), routing, test::plan_of(routing), ":tile_rows=16");
}

TEST_P(TrainingKernelContract, SizesThatAreMultiplesOfNothing) {
  const auto routing = test::route(19, 2, 3, [](auto t, int s) { return int((t + s) % 3); });
  expect_equals_reference(shape_of(3, 2, 37, 29), routing);
}

TEST_P(TrainingKernelContract, MatricesWiderThanABlock) {
  const auto routing = test::route(18, 1, 2, [](auto t, int) { return int(t % 9 == 0); });
  expect_equals_reference(shape_of(2, 1, 1100, 530), routing, test::plan_of(routing), "",
                          {Activation::kSwiglu});
}

TEST_P(TrainingKernelContract, DroppedRowsHaveNoGradients) {
  const auto routing = test::route(16, 2, 4, [](auto t, int s) {
    if (t == 3 || (t > 7 && s == 1)) return Routing::kDropped;
    return int((t + s) % 4);
  });
  expect_equals_reference(shape_of(4, 2, 64, 64), routing, test::plan_of(routing, 7));
}

TEST_P(TrainingKernelContract, SharedExpertsSeeEveryToken) {
  const auto routing =
      test::route(12, 1, 3, [](auto t, int) { return t == 4 ? Routing::kDropped : int(t % 2); });
  auto shape = shape_of(3, 1, 64, 64);
  shape.num_shared_experts = 2;
  expect_equals_reference(shape, routing);
}

TEST_P(TrainingKernelContract, GivesTheSameBitsForAnyThreadCountAndInEveryRun) {
  const auto routing =
      test::route(150, 2, 4, [](auto t, int s) { return s == 0 ? 0 : int(1 + t % 3); });
  const auto plan = test::plan_of(routing);
  for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
    auto shape = shape_of(4, 2, 128, 600);
    shape.dtype = dtype;
    if (GetParam().unsupported(shape)) continue;
    const std::string params = has_split(GetParam()) ? ":wgrad=split:split_rows=32" : "";
    const auto one = test::run_training(GetParam(), shape, plan, 1, params);
    EXPECT_TRUE(one == test::run_training(GetParam(), shape, plan, 2, params));
    EXPECT_TRUE(one == test::run_training(GetParam(), shape, plan, 3, params));
  }
}

INSTANTIATE_TEST_SUITE_P(CpuKernels, TrainingKernelContract,
                         testing::ValuesIn(kernels_with_backward()), [](const auto& row) {
                           std::string text(row.param.name);
                           std::ranges::replace(text, '-', '_');
                           return text;
                         });

TEST(CpuKernelsTest, EachStrategyOfOnednnHasABackwardPass) {
  std::vector<std::string> names;
  for (const auto& row : kernels_with_backward()) names.emplace_back(row.name);
  EXPECT_EQ(names, (std::vector<std::string>{"loop", "padded", "grouped"}));
}

}  // namespace
}  // namespace hotexpert
