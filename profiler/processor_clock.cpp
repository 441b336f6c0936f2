#include "profiler/processor_clock.hpp"

#include <time.h>

#include <algorithm>
#include <cstddef>

namespace hotexpert {
namespace {

constexpr int kStretches = 5;
constexpr std::int64_t kAdditionsAStretch = 20'000;
constexpr std::size_t kAdditionsARound = 32;

}  // namespace

double process_cpu_s() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::int64_t spin_dependent_additions(std::int64_t additions) {
  std::uint64_t value = 1;
  std::uint64_t step = 3;
  // Opaque to the compiler: neither sum nor loop can be folded. A register as the second operand,
  // since processors add small constants ahead of time.
  asm volatile("" : "+r"(step));
  std::int64_t done = 0;
  for (; done < additions; done += static_cast<std::int64_t>(kAdditionsARound)) {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < kAdditionsARound; ++i) {
      value += step;
      asm volatile("" : "+r"(value));
    }
  }
  return done;
}

double processor_clock_hz(Clock& clock) {
  double fastest_hz = 0;
  for (int stretch = 0; stretch < kStretches; ++stretch) {
    const double begin_s = clock.now_s();
    const auto additions = static_cast<double>(spin_dependent_additions(kAdditionsAStretch));
    const double seconds = clock.now_s() - begin_s;
    if (seconds > 0) fastest_hz = std::max(fastest_hz, additions / seconds);
  }
  return fastest_hz;
}

}  // namespace hotexpert
