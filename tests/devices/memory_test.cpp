#include <driver_types.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/devices/small_layer.hpp"

namespace hotexpert {
namespace {

using test::fake_cuda;
using test::SmallLayer;
using testing::HasSubstr;

class DeviceMemory : public testing::TestWithParam<SmallLayer> {
 protected:
  void SetUp() override { test::reset_fake_cuda(); }
  static void refuse(std::int64_t n, const char* name) {
    test::reset_fake_cuda();
    fake_cuda().fault = {n, cudaErrorMemoryAllocation, false, name};
    try {
      (void)test::live(GetParam());
      ADD_FAILURE() << name << ' ' << n << " failed and nobody noticed";
    } catch (const NotEnoughMemory& error) {
      EXPECT_THAT(error.what(), HasSubstr("not enough memory"));
      EXPECT_THAT(error.what(), HasSubstr("lower step.tokens"));
    }
    EXPECT_EQ(fake_cuda().leaks(), "") << name << ' ' << n;
    EXPECT_EQ(fake_cuda().misuse, std::vector<std::string>{}) << name << ' ' << n;
  }
};

TEST_P(DeviceMemory, RunningOutAtAnyAllocationIsASkippedPointAndLeaksNothing) {
  (void)test::live(GetParam());
  const auto names = fake_cuda().names;
  for (const char* name :
       {"cudaMalloc", "cudaMallocHost", "cublasCreate", "cudaGraphInstantiate"}) {
    const auto count = std::ranges::count(names, name);
    for (std::ptrdiff_t n = 1; n <= count; ++n) refuse(n, name);
  }
}

/// What is asked for before anything is reserved is at least what is reserved.
TEST_P(DeviceMemory, TheCheckBeforeLoadingCoversEveryAllocation) {
  const auto backend = make_cuda_layer_backend(make_device_runtime(), 1, GetParam().pass);
  const auto shape = test::small_shape(GetParam());
  const auto layer = backend->prepare(shape, GetParam().kernel, 4, 5);
  (void)layer->load(test::skewed_plan());
  const std::int64_t peak = fake_cuda().peak_bytes;
  // With one byte less than the peak in all, somebody must refuse before CUDA has to.
  layer->unload();
  fake_cuda().memory_bytes = peak - 1;
  const auto refused_by_cuda = fake_cuda().allocations;
  try {
    (void)layer->load(test::skewed_plan());
    FAIL() << "it was loaded into less memory than it takes";
  } catch (const NotEnoughMemory& error) {
    EXPECT_THAT(error.what(), HasSubstr("the layer needs"));
    EXPECT_EQ(fake_cuda().allocations, refused_by_cuda) << "memory was reserved first";
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, DeviceMemory, testing::ValuesIn(test::small_layers()),
                         [](const auto& row) { return test::name_of(row.param); });

}  // namespace
}  // namespace hotexpert
