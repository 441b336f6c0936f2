#include <driver_types.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/cuda/runtime.hpp"
#include "tests/devices/fake_cuda.hpp"

namespace hotexpert {
namespace {

using test::fake_cuda;
using testing::HasSubstr;

class MissingDeviceTest : public testing::Test {
 protected:
  void SetUp() override { test::reset_fake_cuda(); }
  static std::string reason() { return make_device_runtime()->device().unavailable; }
};

TEST_F(MissingDeviceTest, ADeviceThatIsThereHasNoReason) {
  EXPECT_EQ(reason(), "");
  EXPECT_EQ(make_device_runtime()->lost(), "");
}

TEST_F(MissingDeviceTest, WithoutADriverTheDriverIsNamed) {
  fake_cuda().driver_version = 0;
  EXPECT_THAT(reason(), HasSubstr("no NVIDIA driver is loaded; install one"));
}

TEST_F(MissingDeviceTest, AnOldDriverIsNamedWithBothVersions) {
  fake_cuda().driver_version = 12040;
  EXPECT_EQ(reason(),
            "the NVIDIA driver serves CUDA 12.4 at most and this program is built for CUDA 13.0; "
            "install a newer driver, or use backend cpu");
}

TEST_F(MissingDeviceTest, ADriverWithoutDevicesPointsAtWhatHidesThem) {
  fake_cuda().devices = 0;
  EXPECT_THAT(reason(), HasSubstr("check nvidia-smi and CUDA_VISIBLE_DEVICES"));
}

TEST_F(MissingDeviceTest, EveryQuestionThatFailsGivesAReasonOrAMissingClock) {
  for (const char* name : {"cudaDriverGetVersion", "cudaGetDeviceCount", "cudaGetDeviceProperties",
                           "cudaDeviceGetAttribute"}) {
    test::reset_fake_cuda();
    fake_cuda().fault = {1, cudaErrorUnknown, false, name};
    const auto device = make_device_runtime()->device();
    if (std::string(name) == "cudaDeviceGetAttribute") {
      EXPECT_EQ(device.unavailable, "");
      EXPECT_EQ(device.clock_hz, 0);
    } else {
      EXPECT_THAT(device.unavailable, HasSubstr("or use backend cpu")) << name;
    }
    EXPECT_EQ(fake_cuda().take_last(), cudaSuccess) << name << " is left for a later check";
  }
}

}  // namespace
}  // namespace hotexpert
