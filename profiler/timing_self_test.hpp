#pragma once

#include <string>
#include <vector>

#include "profiler/clock.hpp"

namespace hotexpert {

/// One question whose answer is known before it is measured.
struct KnownAnswer {
  std::string name;
  double expected = 0;
  double measured = 0;
  double tolerance = 0;  ///< |measured - expected| allowed
  bool ok = false;
  std::string sentence;  ///< what was asked and found; when not ok also what to try
};

/// Measures waits of known length with measure() and compares:
/// - a wait of 1 ms by the witness's clock lasts 1 ms by `clock`, within 2 %;
/// - a wait of 1.25 ms takes 25 % longer than one of 1 ms (paired ratio), within 0.02;
/// - a wait compared with itself (A/A): |ratio| below 0.01;
/// - waits of 1 ms +- 10 %, drawn before: their median, within 2.5 %.
/// Takes about a tenth of a second on the real clocks. For `hotexpert selftest --timing`, never for
/// CI.
/// @param clock the clock that results are measured by
/// @param witness an independent clock that the waits are cut by
std::vector<KnownAnswer> timing_self_test(Clock& clock, Clock& witness);

}  // namespace hotexpert
