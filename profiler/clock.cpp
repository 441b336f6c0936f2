#include "profiler/clock.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace hotexpert {
namespace {

using SteadyTime = std::chrono::steady_clock;

double measured_resolution_s() {
  auto smallest = SteadyTime::duration::max();
  auto before = SteadyTime::now();
  for (int read = 0; read < 1000; ++read) {
    const auto after = SteadyTime::now();
    if (after > before) smallest = std::min(smallest, after - before);
    before = after;
  }
  return std::chrono::duration<double>(smallest).count();
}

double seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

SteadyClock::SteadyClock() : resolution_s_(measured_resolution_s()) {}

double SteadyClock::now_s() {
  return std::chrono::duration<double>(SteadyTime::now().time_since_epoch()).count();
}

double RawMonotonicClock::now_s() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &time);
  return seconds(time);
}

double RawMonotonicClock::resolution_s() const {
  timespec time{};
  clock_getres(CLOCK_MONOTONIC_RAW, &time);
  return seconds(time);
}

}  // namespace hotexpert
