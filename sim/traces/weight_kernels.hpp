#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/traces/array_view.hpp"

namespace hotexpert {

/// Rows of gate weights that do not sum to 1, or whose slots are not by falling weight.
struct WeightFaults {
  std::int64_t sums = 0;    ///< off 1 by more than 2 %, or not a number
  std::int64_t orders = 0;  ///< a weight above the one before it
};

/// Loops over gate weights, compiled once for each instruction set (weight_loops.cpp) and chosen by
/// processor at run time; results are equal.
struct WeightKernels {
  /// Writes `count` weights as floats.   @return whether every one is in [0, largest float]
  using Widen = bool (*)(const std::byte* weights, std::size_t count, float* to);
  Widen widen[4];  ///< by ElementType, from kF16

  /// Faults of [rows, k] weights.   @param weights readable up to k + 8 behind
  WeightFaults (*faults)(const float* weights, std::size_t rows, std::size_t k);
};

const WeightKernels& weight_kernels();           ///< of this processor
const WeightKernels& baseline_weight_kernels();  ///< of every processor: for tests

/// The element type's place in WeightKernels::widen.
constexpr std::size_t widen_row(ElementType type) {
  return static_cast<std::size_t>(type) - static_cast<std::size_t>(ElementType::kF16);
}

}  // namespace hotexpert
