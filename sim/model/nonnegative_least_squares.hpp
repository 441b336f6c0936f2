#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hotexpert {

/// Smallest-residual non-negative solution of A x = b (Lawson and Hanson 1974, Solving Least
/// Squares Problems, chapter 23). For laws that are linear in their constants.
/// @param matrix row-major [rows, columns]   @return x >= 0 [columns]
std::vector<double> nonnegative_least_squares(std::span<const double> matrix,
                                              std::span<const double> target, std::size_t columns);

}  // namespace hotexpert
