#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "kernels/cuda/device.hpp"
#include "kernels/cuda/wait.hpp"
#include "sim/base/errors.hpp"
#include "tests/devices/small_layer.hpp"

namespace hotexpert {
namespace {

using test::fake_cuda;
using test::SmallLayer;

enum Ending : int { kGivenUp = 10, kNothingHung = 11, kWrong = 12 };

/// A life in which the n-th call puts work on a stream that never ends. Ends the process.
[[noreturn]] void live_and_hang(const SmallLayer& layer, std::int64_t call) {
  setenv("HOTEXPERT_DEVICE_TIMEOUT_S", "0.01", 1);
  test::reset_fake_cuda();
  fake_cuda().hang_call = call;
  int ending = kNothingHung;
  try {
    if (test::live(layer).worst_error > test::tolerance(layer)) ending = kWrong;
  } catch (const DeviceError& error) {
    const std::string text = error.what();
    const bool said = text.find("did not finish within 0.01 s") != std::string::npos &&
                      text.find("HOTEXPERT_DEVICE_TIMEOUT_S") != std::string::npos;
    const bool lost = make_device_runtime()->lost() == text;
    ending = said && lost && fake_cuda().endless_waits == 0 ? kGivenUp : kWrong;
    if (ending == kWrong) std::cerr << text << '\n' << fake_cuda().endless_waits << " waits\n";
  }
  std::exit(ending);
}

class DeviceHang : public testing::TestWithParam<SmallLayer> {};

TEST_P(DeviceHang, AtAnyLaunchIsGivenUpInOneSentenceAndTheProcessEnds) {
  test::reset_fake_cuda();
  (void)test::live(GetParam());
  const std::int64_t calls = fake_cuda().calls;
  int given_up = 0;
  for (std::int64_t call = 1; call <= calls && !HasFailure(); ++call) {
    const auto ended = [&](int status) {
      given_up += WIFEXITED(status) && WEXITSTATUS(status) == kGivenUp ? 1 : 0;
      return WIFEXITED(status) &&
             (WEXITSTATUS(status) == kGivenUp || WEXITSTATUS(status) == kNothingHung);
    };
    EXPECT_EXIT(live_and_hang(GetParam(), call), ended, "")
        << fake_cuda().names[static_cast<std::size_t>(call - 1)] << ", call " << call;
  }
  EXPECT_GT(given_up, 20);
  std::cout << given_up << " of " << calls << " calls put work on a stream that never ended\n";
}

INSTANTIATE_TEST_SUITE_P(Kernels, DeviceHang,
                         testing::Values(SmallLayer{"grouped-sm90", DataType::kBf16},
                                         SmallLayer{"streams:streams=3:launch=eager"},
                                         SmallLayer{"grouped-cublas", DataType::kFp32,
                                                    LayerPass::kTraining}),
                         [](const auto& row) { return test::name_of(row.param); });

TEST(DeviceTimeLimit, IsTwoMinutesUnlessTheEnvironmentSaysOtherwise) {
  unsetenv("HOTEXPERT_DEVICE_TIMEOUT_S");
  EXPECT_EQ(device_time_limit_s(), 120);
  setenv("HOTEXPERT_DEVICE_TIMEOUT_S", "2.5", 1);
  EXPECT_EQ(device_time_limit_s(), 2.5);
  for (const char* nonsense : {"", "soon", "-3", "0", "5 s", "nan"}) {
    setenv("HOTEXPERT_DEVICE_TIMEOUT_S", nonsense, 1);
    EXPECT_THROW((void)device_time_limit_s(), UsageError) << nonsense;
    EXPECT_THROW((void)first_cuda_device(), UsageError) << nonsense;
  }
  unsetenv("HOTEXPERT_DEVICE_TIMEOUT_S");
}

}  // namespace
}  // namespace hotexpert
