#pragma once

#include <cstdint>

#include "profiler/clock.hpp"

namespace hotexpert {

/// The clock of the core that this thread runs on, in Hz: additions that each wait for the one
/// before take a cycle each on x86-64 and AArch64 alike, so their number over their time is the
/// clock. Needs no counter, driver or privilege, and works in virtual machines. Interrupts and
/// other programs can only make a stretch slower, so the fastest of several counts. Takes about
/// 40 us at 2.5 GHz.
double processor_clock_hz(Clock& clock);

/// Processor time that all threads of this process have used, in seconds.
double process_cpu_s();

/// Runs `additions` of them, rounded up to whole rounds of the loop.   @return how many ran
std::int64_t spin_dependent_additions(std::int64_t additions);

}  // namespace hotexpert
