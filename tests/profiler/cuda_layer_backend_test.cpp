#include "profiler/cuda_layer_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sim/base/errors.hpp"
#include "tests/kernels/support/plans.hpp"
#include "tests/profiler/fake_device.hpp"

namespace hotexpert {
namespace {

using test::FakeDeviceRuntime;
using test::Fault;

LayerShape small_shape() {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 2;
  shape.d_model = 16;
  shape.d_ff = 24;
  return shape;
}

DispatchPlan small_plan() {
  return test::plan_of(
      test::route(20, 2, 4, [](auto t, int s) { return s == 0 ? 0 : int(1 + t % 3); }));
}

std::unique_ptr<LayerBackend> backend(const FakeDeviceRuntime& runtime) {
  return make_cuda_layer_backend(std::make_unique<FakeDeviceRuntime>(runtime), 1);
}

double error_with(const Fault& fault, int& bad_expert) {
  FakeDeviceRuntime runtime;
  runtime.fault = fault;
  const auto made = backend(runtime);
  const auto layer = made->prepare(small_shape(), "grouped", 4, 5);
  const int handle = layer->load(small_plan());
  layer->run(handle);
  return layer->verify(handle, bad_expert);
}

TEST(CudaLayerBackendTest, ARightLayerPassesAndEachPlantedFaultIsCaught) {
  int bad = 0;
  EXPECT_LE(error_with({}, bad), 5e-6);
  EXPECT_GT(error_with({.wrong_expert = true}, bad), 0.5);
  EXPECT_GT(error_with({.swapped_tokens = true}, bad), 0.1);
  EXPECT_GT(error_with({.lost_weight = true}, bad), 0.1);
  EXPECT_TRUE(std::isinf(error_with({.wrong_rows = true}, bad)));
  EXPECT_TRUE(std::isinf(error_with({.nan = true}, bad)));
  EXPECT_TRUE(std::isinf(error_with({.wrong_choice = true}, bad)));
  EXPECT_GT(error_with({.k_tail = true}, bad), 0.05);
  EXPECT_EQ(bad, 0);
}

/// Writes down what it is told.
struct NotedStages final : StageObserver {
  std::string told;
  void begin(RangeName stage) override { told += "+" + std::string(name(stage)); }
  void end(RangeName stage) override { told += "-" + std::string(name(stage)); }
  [[nodiscard]] bool wants_idle_device() const override { return true; }
};

TEST(CudaLayerBackendTest, AStagedPassTellsItsStagesInOrder) {
  const auto made = backend({});
  const auto layer = made->prepare(small_shape(), "grouped", 4, 5);
  NotedStages stages;
  const auto times = layer->run_staged(layer->load(small_plan()), stages);
  EXPECT_EQ(stages.told, "+route-route+permute-permute+expert-expert+combine-combine");
  EXPECT_EQ(times.total_s, 1.1e-5);
}

TEST(CudaLayerBackendTest, AnAbsentDeviceGivesItsReason) {
  FakeDeviceRuntime runtime;
  runtime.facts = {};
  runtime.facts.unavailable = "no NVIDIA driver is loaded";
  const auto made = backend(runtime);
  EXPECT_EQ(made->info().unavailable, "no NVIDIA driver is loaded");
  EXPECT_EQ(made->unsupported(small_shape(), "grouped"), "no NVIDIA driver is loaded");
  EXPECT_THROW((void)made->prepare(small_shape(), "grouped", 4, 1), std::logic_error);
}

TEST(CudaLayerBackendTest, APlanThatDoesNotFitIsRefusedWithItsBytesBeforeItIsLoaded) {
  auto owned = std::make_unique<FakeDeviceRuntime>();
  auto& runtime = *owned;
  const auto made = make_cuda_layer_backend(std::move(owned), 1);
  const auto layer = made->prepare(small_shape(), "grouped", 4, 5);
  runtime.free = 4096;
  EXPECT_THROW((void)made->prepare(small_shape(), "grouped", 4, 5), NotEnoughMemory);
  try {
    layer->load(small_plan());
    FAIL() << "it was loaded";
  } catch (const NotEnoughMemory& error) {
    EXPECT_NE(std::string(error.what()).find("GiB of device memory"), std::string::npos);
  }
}

TEST(CudaLayerBackendTest, WeightsThatNoDeviceHoldsMakeAShapeUnsupported) {
  FakeDeviceRuntime runtime;
  auto shape = small_shape();
  shape.num_experts = 256;
  shape.d_model = 7168;
  shape.d_ff = 2048;
  const auto reason = backend(runtime)->unsupported(shape, "grouped");
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("weights 42.00"), std::string::npos) << *reason;
}

TEST(CudaLayerBackendTest, KernelsOfCublasNeedTheLibraryAndOthersDoNot) {
  FakeDeviceRuntime runtime;
  runtime.no_cublas = "libcublas.so.13 was not found";
  const auto made = backend(runtime);
  EXPECT_EQ(made->unsupported(small_shape(), "loop"), "libcublas.so.13 was not found");
  EXPECT_FALSE(made->unsupported(small_shape(), "loop:gemm=own"));
  EXPECT_FALSE(made->unsupported(small_shape(), "grouped"));
}

TEST(CudaLayerBackendTest, CountsSamplesBelowThreeQuartersOfTheClock) {
  FakeDeviceRuntime runtime;
  runtime.clock_hz = 1.2e9;
  const auto layer = backend(runtime)->prepare(small_shape(), "grouped", 4, 5);
  const int handle = layer->load(small_plan());
  EXPECT_TRUE(layer->device_measurements().empty());
  for (int i = 0; i < 3; ++i) layer->run(handle);
  const auto measurements = layer->device_measurements();
  ASSERT_EQ(measurements.size(), 2U);
  EXPECT_EQ(measurements[0].metric, "device.sm_clock_hz");
  EXPECT_EQ(measurements[0].value, 1.2e9);
  EXPECT_EQ(measurements[1].metric, "device.throttled_samples");
  EXPECT_EQ(measurements[1].value, 3);
}

/// bf16, so that the list's best kernel is the one that records tiles.
LayerShape traced_shape() {
  auto shape = small_shape();
  shape.dtype = DataType::kBf16;
  shape.d_model = 320;
  shape.d_ff = 264;
  shape.num_shared_experts = 1;
  return shape;
}

TEST(CudaLayerBackendTest, ATracedPassHasTheTilesOfBothProductsOnTheDevicesTimer) {
  for (const char* kernel : {"grouped", "grouped-sm90:tile_rows=128", "padded:gemm=own"}) {
    const auto layer = backend({})->prepare(traced_shape(), kernel, 4, 5);
    const auto pass = layer->run_traced(layer->load(small_plan()));
    EXPECT_EQ(pass.untraced, "");
    EXPECT_EQ(pass.times.expert_ffn_s, 5e-6);
    EXPECT_THAT(timeline_faults(pass.timeline), testing::IsEmpty()) << kernel;
    EXPECT_EQ(pass.timeline.grid.num_workers, 4);
    EXPECT_EQ(pass.timeline.grid.column_tiles, 3 + 2) << "264 gates in 128s, 320 columns in 256s";
    EXPECT_EQ(pass.timeline.grid.token_rows, (std::vector<std::int64_t>{20, 7, 7, 6, 20}));
    EXPECT_EQ(pass.timeline.begin_ns(), test::FakeDeviceLayer::kStartNs + 1000);
    const auto& first = pass.timeline.tiles.front();
    EXPECT_EQ(first.end_ns - first.begin_ns,
              static_cast<std::uint64_t>(20 * pass.timeline.grid.rows_a_tile))
        << "30 cycles a row at 1.5 GHz";
  }
}

TEST(CudaLayerBackendTest, WhatHasNoTilesRunsAllTheSameAndSaysWhy) {
  const auto loop = backend({})->prepare(traced_shape(), "loop:gemm=own", 4, 5);
  const auto pass = loop->run_traced(loop->load(small_plan()));
  EXPECT_EQ(pass.untraced, "This kernel records no tiles.");
  EXPECT_EQ(pass.times.total_s, 1.1e-5);
  FakeDeviceRuntime runtime;
  runtime.fault.unstamped = true;
  const auto layer = backend(runtime)->prepare(traced_shape(), "grouped", 4, 5);
  EXPECT_THAT(layer->run_traced(layer->load(small_plan())).untraced,
              testing::HasSubstr("was not read beside its tiles"));
}

TEST(CudaLayerBackendTest, CapturesAndLaunchesAreTheDevices) {
  auto owned = std::make_unique<FakeDeviceRuntime>();
  auto& runtime = *owned;
  const auto made = make_cuda_layer_backend(std::move(owned), 1);
  EXPECT_EQ(made->start_capture(), "");
  EXPECT_EQ(runtime.captures, 1);
  made->stop_capture();
  EXPECT_EQ(runtime.captures, 0);
  runtime.no_capture = "cudaProfilerStart failed: not supported.";
  EXPECT_EQ(made->start_capture(), runtime.no_capture);
  const auto layer = made->prepare(small_shape(), "grouped", 4, 5);
  EXPECT_EQ(layer->launches(layer->load(small_plan())), 9);
}

TEST(CudaLayerBackendTest, PaddedComputesWhatTheLargestLoadAsksOfEveryExpert) {
  const auto layer = backend({})->prepare(small_shape(), "padded:gemm=own", 4, 5);
  const int handle = layer->load(small_plan());
  EXPECT_EQ(layer->computed_rows(handle), 4 * 20);
  const auto times = layer->run(handle);
  EXPECT_EQ(times.router_s, 5e-7);
  EXPECT_EQ(times.route_s, 1e-6);
  EXPECT_EQ(times.total_s, 1.1e-5);
}

}  // namespace
}  // namespace hotexpert
