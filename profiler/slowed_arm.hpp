#pragma once

#include "profiler/clock.hpp"
#include "profiler/measure.hpp"

namespace hotexpert {

/// `arm`, made slower by a known amount: after each pass it waits, busy (a sleep would let the
/// clock fall), until the pass took `factor` times as long. A slowdown that a gate must find.
/// @param factor >= 1; at 1 nothing is waited for
Arm slowed_arm(Arm arm, double factor, Clock& clock);

}  // namespace hotexpert
