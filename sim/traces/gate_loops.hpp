#pragma once

#include <cstddef>
#include <cstdint>

namespace hotexpert {

/// Loops over the gates of many tokens, one slot at a time, compiled once for each instruction set
/// (gate_loops.cpp); the same numbers as portable_log of sim/base/math.
struct GateLoops {
  static constexpr std::size_t kLanes = 8;  ///< counts below are rounded up to a multiple of it

  /// gates[i] = -ln((words[i] + 0.5) / 2^32) as float, and added to sums[i].
  void (*exponentials)(const std::uint32_t* words, std::size_t count, float* gates, double* sums);
  /// gates[i] /= sums[i], in double.
  void (*shares)(std::size_t count, const double* sums, float* gates);
};

extern const GateLoops kGateLoopsBaseline;
extern const GateLoops kGateLoopsAvx2;

}  // namespace hotexpert
