#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include <driver_types.h>

#include "tests/devices/small_layer.hpp"

namespace hotexpert {
namespace {

using test::fake_cuda;
using test::PlantedFault;
using test::SmallLayer;

/// Calls whose failure changes no number and no state: a layer may go on.
const std::set<std::string> kHarmless = {
    "cudaDeviceGetAttribute", "cudaFree",         "cudaFreeHost",         "cudaEventDestroy",
    "cudaStreamDestroy",      "cudaGraphDestroy", "cudaGraphExecDestroy", "cublasDestroy",
    "cudaProfilerStart",      "cudaProfilerStop"};

/// A life with one failing call: it ends with one sentence, or the failure was harmless and every
/// number is right. Nothing is left behind, and nothing waits for a dead device.
void expect_survived(const SmallLayer& layer, const PlantedFault& fault) {
  auto& device = fake_cuda();
  device.names.clear();
  device.calls = 0;
  const auto name = [&] {
    const auto n = static_cast<std::size_t>(fault.call);
    return n <= device.names.size() ? device.names[n - 1] : std::string();
  };
  try {
    const auto life = test::live(layer);
    EXPECT_TRUE(kHarmless.count(name()) == 1) << "nobody noticed that " << name() << " failed";
    EXPECT_LE(life.worst_error, test::tolerance(layer)) << name();
    EXPECT_GT(life.total_s, 0) << name();
  } catch (const DeviceError& error) {
    const std::string text = error.what();
    EXPECT_GT(text.size(), 20U);
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    EXPECT_EQ(error.code(), ExitCode::kDeviceMissing);
  }
  EXPECT_EQ(device.leaks(), "") << "after " << name();
  EXPECT_EQ(device.misuse, std::vector<std::string>{}) << "after " << name();
  EXPECT_EQ(device.endless_waits, 0) << "after " << name();
}

class LayerFaults : public testing::TestWithParam<SmallLayer> {
 protected:
  void SetUp() override {
    test::reset_fake_cuda();
    (void)test::live(GetParam());  // what is found once in a process is found
    test::reset_fake_cuda();
    undisturbed_ = test::live(GetParam());
    calls_ = fake_cuda().calls;
  }
  test::LayerLife undisturbed_;
  std::int64_t calls_ = 0;
};

TEST_P(LayerFaults, AnIllegalAddressAtAnyCallEndsInOneSentence) {
  for (std::int64_t call = 1; call <= calls_ && !HasFailure(); ++call) {
    test::reset_fake_cuda();
    fake_cuda().fault = {call, cudaErrorIllegalAddress, true, ""};
    expect_survived(GetParam(), fake_cuda().fault);
  }
  std::cout << calls_ << " calls failed in turn\n";
}

TEST_P(LayerFaults, AFailureThatPassesLeavesTheDeviceUsable) {
  for (std::int64_t call = 1; call <= calls_ && !HasFailure(); ++call) {
    test::reset_fake_cuda();
    fake_cuda().fault = {call, cudaErrorLaunchOutOfResources, false, ""};
    expect_survived(GetParam(), fake_cuda().fault);
    // The next layer must not be told of it.
    fake_cuda().fault = {};
    EXPECT_EQ(test::live(GetParam()).out, undisturbed_.out) << "after call " << call;
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, LayerFaults, testing::ValuesIn(test::small_layers()),
                         [](const auto& row) { return test::name_of(row.param); });

}  // namespace
}  // namespace hotexpert
