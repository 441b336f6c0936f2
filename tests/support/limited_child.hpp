#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace hotexpert::testing_support {

/// What work() returned in a child process that could take no more than `more_bytes` of address
/// space beyond this process' own, or what ended the child ("killed by signal 6", "out of memory").
/// Without a limit under a sanitizer, which reserves terabytes itself.
struct LimitedResult {
  std::string answer;
  std::int64_t peak_bytes = 0;  ///< largest resident size beyond the one it began with
  double processor_s = 0;       ///< processor time it took: other work on the machine adds none
};
/// Whether processor time means something: a sanitizer multiplies it.
bool runs_at_full_speed();
LimitedResult run_limited(std::uint64_t more_bytes, const std::function<std::string()>& work);

}  // namespace hotexpert::testing_support
