#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "profiler/annotate.hpp"

namespace hotexpert {

/// The run that Nsight should look at.
struct NsightTarget {
  std::string program = "hotexpert";
  std::string scenario;                  ///< path of the scenario file
  std::string point;                     ///< value of --point
  std::vector<std::string> arguments;    ///< further ones: axis flags and their values
  RangeName range = RangeName::kExpert;  ///< the slowest stage of the point, see slowest_stage()
  std::string output = "hotexpert-profile";  ///< without extension
};

/// A command to run as printed in a shell, and what to look at in its report.
struct NsightCommand {
  std::string command;
  std::string advice;
};

/// Nsight Systems: a timeline of one pass, between cudaProfilerStart and cudaProfilerStop.
/// Source of options: NVIDIA Nsight Systems User Guide, "CLI Profile Command Switch Options".
NsightCommand nsys_command(const NsightTarget& target);
/// Nsight Compute: between the same two calls, the kernels of one NVTX range of domain `hotexpert`,
/// clocks and caches left as they are (by default it locks the clock and flushes before each pass).
/// A push/pop range is written DOMAIN@RANGE/, with the slash.
/// Source of options: NVIDIA Nsight Compute CLI, "Command Line Options" and "NVTX Filtering".
NsightCommand ncu_command(const NsightTarget& target);

/// `text` as one word of a POSIX shell.
std::string shell_word(std::string_view text);

}  // namespace hotexpert
