#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/cuda/clock_stamp.hpp"

namespace hotexpert {
namespace {

__global__ void clock_stamp_kernel(ClockStamp* stamps, int multiprocessors) {
  unsigned id = 0;
  std::uint64_t ns = 0;
  asm volatile("mov.u32 %0, %%smid;" : "=r"(id));
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
  if (id < static_cast<unsigned>(multiprocessors))
    stamps[id] = {static_cast<std::uint64_t>(clock64()), ns};
}

}  // namespace

void launch_clock_stamp(ClockStamp* stamps, int multiprocessors, DeviceStream stream) {
  clock_stamp_kernel<<<static_cast<unsigned>(multiprocessors), 1, 0, stream>>>(stamps,
                                                                               multiprocessors);
}

std::optional<double> clock_between(const std::vector<ClockStamp>& before,
                                    const std::vector<ClockStamp>& after) {
  std::vector<double> clocks;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (before[i].ns == 0 || after[i].ns <= before[i].ns) continue;
    clocks.push_back(1e9 * static_cast<double>(after[i].cycles - before[i].cycles) /
                     static_cast<double>(after[i].ns - before[i].ns));
  }
  if (clocks.empty()) return std::nullopt;
  std::nth_element(clocks.begin(), clocks.begin() + static_cast<std::ptrdiff_t>(clocks.size() / 2),
                   clocks.end());
  return clocks[clocks.size() / 2];
}

}  // namespace hotexpert
