#include "profiler/cuda_training_layer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "profiler/cuda_layer_backend.hpp"
#include "sim/base/errors.hpp"
#include "tests/kernels/support/plans.hpp"
#include "tests/profiler/fake_device.hpp"

namespace hotexpert {
namespace {

using test::BackwardFault;
using test::FakeDeviceRuntime;
using testing::HasSubstr;

LayerShape small_shape(Activation activation = Activation::kSwiglu) {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 2;
  shape.d_model = 16;
  shape.d_ff = 24;
  shape.activation = activation;
  return shape;
}

DispatchPlan small_plan() {
  return test::plan_of(
      test::route(20, 2, 4, [](auto t, int s) { return s == 0 ? 0 : int(1 + t % 2); }));
}

std::unique_ptr<LayerBackend> backend(const FakeDeviceRuntime& runtime, LayerPass pass) {
  return make_cuda_layer_backend(std::make_unique<FakeDeviceRuntime>(runtime), 1, pass);
}

double error_with(const BackwardFault& fault, Activation activation = Activation::kSwiglu) {
  FakeDeviceRuntime runtime;
  runtime.backward_fault = fault;
  const auto layer =
      backend(runtime, LayerPass::kBackward)->prepare(small_shape(activation), "grouped", 4, 5);
  const int handle = layer->load(small_plan());
  layer->run(handle);
  int bad = 0;
  return layer->verify(handle, bad);
}

TEST(CudaTrainingLayerTest, ARightLayerPassesAndEachPlantedFaultIsCaught) {
  for (const auto activation : {Activation::kSwiglu, Activation::kGelu, Activation::kRelu})
    EXPECT_LE(error_with({}, activation), 5e-6) << name(activation);
  EXPECT_GT(error_with({.wrong_expert = true}), 0.5);
  EXPECT_GT(error_with({.forgets_row = true}), 1e-3);
  EXPECT_GT(error_with({.lost_weight = true}), 0.1);
  EXPECT_TRUE(std::isinf(error_with({.stale = true})));
}

TEST(CudaTrainingLayerTest, PhasesOfBothPassesAreAddedByWhatTheyDo) {
  const auto layer = backend({}, LayerPass::kTraining)->prepare(small_shape(), "grouped", 4, 5);
  const auto times = layer->run(layer->load(small_plan()));
  EXPECT_DOUBLE_EQ(*times.route_s, 1e-6);
  EXPECT_DOUBLE_EQ(*times.permute_s, 5e-6);
  EXPECT_DOUBLE_EQ(*times.expert_ffn_s, 17e-6);
  EXPECT_DOUBLE_EQ(*times.combine_s, 3e-6);
  EXPECT_DOUBLE_EQ(*times.forward_s, 10e-6);
  EXPECT_DOUBLE_EQ(*times.backward_s, 16e-6);
  EXPECT_DOUBLE_EQ(times.total_s, 3e-5);
  EXPECT_EQ(layer->device_measurements().size(), 2U) << "clock and throttled samples";
}

TEST(CudaTrainingLayerTest, TheBackwardPassAloneHasNoForwardTime) {
  const auto layer = backend({}, LayerPass::kBackward)->prepare(small_shape(), "grouped", 4, 5);
  const auto times = layer->run(layer->load(small_plan()));
  EXPECT_FALSE(times.forward_s.has_value());
  EXPECT_FALSE(times.route_s.has_value());
  EXPECT_DOUBLE_EQ(*times.expert_ffn_s, 12e-6);
}

TEST(CudaTrainingLayerTest, WhatHasNoBackwardPassSaysSo) {
  const auto made = backend({}, LayerPass::kTraining);
  EXPECT_THAT(made->unsupported(small_shape(), "grouped:cache=steady").value_or(""),
              HasSubstr("cache=steady"));
  for (const auto& row : cuda_kernels()) {
    auto shape = small_shape();
    shape.dtype = DataType::kBf16;
    EXPECT_FALSE(made->unsupported(shape, row.name)) << row.name;
  }
}

TEST(CudaTrainingLayerTest, GradientsThatDoNotFitAreRefusedWithTheirBytes) {
  FakeDeviceRuntime runtime;
  runtime.free = 4096;
  EXPECT_THROW(
      (void)backend(runtime, LayerPass::kBackward)->prepare(small_shape(), "grouped", 4, 5),
      NotEnoughMemory);
  auto shape = small_shape();
  shape.num_experts = 64;
  shape.d_model = 4096;
  shape.d_ff = 8192;
  runtime.facts.memory_bytes = std::int64_t{32} << 30;
  EXPECT_FALSE(backend(runtime, LayerPass::kForward)->unsupported(shape, "grouped"));
  EXPECT_TRUE(backend(runtime, LayerPass::kTraining)->unsupported(shape, "grouped"))
      << "gradients and transposed weights count";
}

TEST(ChooseTrainingKernelTest, RunsTilesOfOneBlockInAStaticOrderAndSplitsWhenAsked) {
  const FakeDeviceRuntime runtime;
  auto shape = small_shape();
  shape.dtype = DataType::kBf16;
  const auto plain =
      choose_training_kernel(shape, "grouped-sm90:order=dynamic", 100, runtime.facts);
  EXPECT_EQ(plain.order, TileOrder::kHotFirst);
  EXPECT_EQ(plain.cluster, 1);
  EXPECT_EQ(plain.split_rows, 0);
  EXPECT_EQ(choose_training_kernel(shape, "grouped-sm90:cluster=2", 100, runtime.facts).cluster, 1);
  EXPECT_FALSE(
      choose_training_kernel(shape, "grouped-sm90:store=bulk", 100, runtime.facts).bulk_store);
  EXPECT_EQ(choose_training_kernel(shape, "grouped:wgrad=split", 100, runtime.facts).split_rows,
            -1);
  EXPECT_EQ(
      choose_training_kernel(shape, "grouped-mma:wgrad=split:split_rows=100", 100, runtime.facts)
          .split_rows,
      112)
      << "a multiple of 16";
}

TEST(DeviceTrainingTest, SlotsAreOneLessThanThePartsOfEachExpert) {
  ExpertRows rows;
  rows.experts = {{0, 100, 100}, {100, 0, 0}, {100, 33, 33}};
  EXPECT_EQ(wgrad_slots(rows, 0), 0);
  EXPECT_EQ(wgrad_slots(rows, 32), 3 + 0 + 1);
  EXPECT_EQ(resolved_split_rows(rows, 48), 48);
  EXPECT_EQ(resolved_split_rows(rows, -1), 512);
  rows.experts = {{0, 6000, 6000}, {6000, 1000, 1000}, {7000, 0, 0}};
  EXPECT_EQ(resolved_split_rows(rows, -1), 7040) << "twice the mean of the two with rows, in 64s";
}

}  // namespace
}  // namespace hotexpert
