#include "profiler/cuda_layer_parts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/errors.hpp"
#include "tests/kernels/support/plans.hpp"
#include "tests/profiler/fake_device.hpp"

namespace hotexpert {
namespace {

using test::FakeDeviceRuntime;

constexpr std::int64_t kWorkspace = std::int64_t{32} << 20;
constexpr std::int64_t kTable = std::int64_t{1} << 18;

CudaKernelChoice choice_of(CudaStrategy strategy, CudaEngine engine) {
  CudaKernelChoice choice;
  choice.strategy = strategy;
  choice.engine = engine;
  return choice;
}

TEST(CudaLayerPartsTest, WorkspaceIsAHandleAStreamAndASet) {
  CudaDevice device;
  device.l2_bytes = 1000;
  auto own = choice_of(CudaStrategy::kStreams, CudaEngine::kSm90);
  own.streams = 4;
  EXPECT_EQ(cuda_workspace_bytes(own, device), 2000 + kTable);
  auto library = choice_of(CudaStrategy::kLoop, CudaEngine::kCublas);
  EXPECT_EQ(cuda_workspace_bytes(library, device), kWorkspace + 2000 + kTable);
  library.weight_sets = 3;
  EXPECT_EQ(cuda_workspace_bytes(library, device), 3 * kWorkspace + 2000 + kTable);
  library = choice_of(CudaStrategy::kStreams, CudaEngine::kCublas);
  library.streams = 4;
  EXPECT_EQ(cuda_workspace_bytes(library, device), 5 * kWorkspace + 2000 + kTable);
}

TEST(CudaLayerPartsTest, MemoryThatIsJustFreeIsEnough) {
  FakeDeviceRuntime runtime;
  LayerBytes needed;
  needed.weights = 700;
  needed.routing = 300;
  runtime.free = 1000;
  EXPECT_NO_THROW(require_memory(needed, runtime));
  runtime.free = 999;
  EXPECT_THROW(require_memory(needed, runtime), NotEnoughMemory);
}

TEST(CudaLayerPartsTest, OnlyPaddedRowsArePadded) {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 1;
  const auto plan =
      test::plan_of(test::route(8, 1, 4, [](auto t, int) { return t < 6 ? 0 : int(t - 5); }));
  const auto compact = cuda_rows(plan, shape, choice_of(CudaStrategy::kLoop, CudaEngine::kPlain));
  const auto padded = cuda_rows(plan, shape, choice_of(CudaStrategy::kPadded, CudaEngine::kPlain));
  EXPECT_EQ(compact.buffer_rows(), 8);
  EXPECT_EQ(padded.buffer_rows(), 4 * 6);
}

TEST(ClockSamplesTest, TheMedianAndWhatRanBelowThreeQuartersOfTheClock) {
  CudaDevice device;
  device.clock_hz = 2.0e9;
  ClockSamples samples;
  EXPECT_TRUE(samples.measurements(device).empty());
  samples.add(std::nullopt);
  EXPECT_TRUE(samples.measurements(device).empty());
  for (const double hz : {1.4e9, 1.5e9, 1.9e9}) samples.add(hz);
  const auto found = samples.measurements(device);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].metric, "device.sm_clock_hz");
  EXPECT_EQ(found[0].value, 1.5e9);
  EXPECT_EQ(found[1].metric, "device.throttled_samples");
  EXPECT_EQ(found[1].value, 1) << "1.5 GHz is three quarters, not below";
  device.clock_hz = 0;
  EXPECT_EQ(samples.measurements(device).size(), 1U) << "a device that does not tell its clock";
  samples.clear();
  EXPECT_TRUE(samples.measurements(device).empty());
}

}  // namespace
}  // namespace hotexpert
