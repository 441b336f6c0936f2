#include "kernels/cuda/wait.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "kernels/cuda/check.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

using Clock = std::chrono::steady_clock;

std::string& reason() {
  static std::string text;
  return text;
}

/// Handlers run last first, so this one runs before CUDA's own, which may wait for the device.
void end_without_waiting() {
  on_exit(
      [](int code, void*) {
        std::fflush(nullptr);
        std::_Exit(code);
      },
      nullptr);
}

}  // namespace

double device_time_limit_s() {
  constexpr const char* kName = "HOTEXPERT_DEVICE_TIMEOUT_S";
  constexpr double kDefault = 120;
  const char* text = std::getenv(kName);
  if (text == nullptr) return kDefault;
  const double given = parse_double(text, kName);
  if (!(given > 0)) {
    throw UsageError(
        fmt::format("{}: '{}' is not above 0 (seconds; unset it for {:g})", kName, text, kDefault));
  }
  return given;
}

void wait_for(DeviceStream stream, std::string_view what) {
  // Steps take microseconds to milliseconds: asking again at once ends them as soon as the
  // runtime's own wait, which has no limit.
  constexpr auto kBusy = std::chrono::milliseconds(50);
  constexpr auto kPause = std::chrono::microseconds(100);
  check_launches(what);
  const auto begin = Clock::now();
  cudaError_t status = cudaStreamQuery(stream);
  for (; status == cudaErrorNotReady; status = cudaStreamQuery(stream)) {
    (void)succeeded(status);  // no failure, but kept like one
    const auto waited = Clock::now() - begin;
    if (waited > std::chrono::duration<double>(device_time_limit_s())) {
      if (reason().empty()) end_without_waiting();
      reason() = fmt::format(
          "{}: the CUDA device did not finish within {:g} s and was given up; set "
          "HOTEXPERT_DEVICE_TIMEOUT_S if the work takes longer, else look into the driver's log",
          what, device_time_limit_s());
      throw DeviceError(reason());
    }
    if (waited > kBusy) std::this_thread::sleep_for(kPause);
  }
  check_cuda(status, what);
}

std::string abandoned_device() { return reason(); }

}  // namespace hotexpert
