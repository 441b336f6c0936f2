#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/expert_weights.hpp"

namespace hotexpert {

// What every backward kernel is compared with: plain loops, every sum in fp64, no intermediate
// rounded. The loss L is any whose gradient by the layer's output is d_out; an expert's y reaches
// the output of its token times a gate weight g, so dL/dy = g d_out. With a = x·gate, u = x·up (or
// z = x·up), h = silu(a) u (or act(z)), y = h·down:
//   dL/dh    = g d_out · down^T
//   dL/du    = dL/dh silu(a),  dL/da = dL/dh u silu'(a)      (or dL/dz = dL/dh act'(z))
//   dL/dx    = dL/da · gate^T + dL/du · up^T                 dL/dg  = y · d_out
//   dL/dgate = sum over rows of x^T dL/da,  dL/dup alike     dL/ddown = sum over rows of h^T dL/dy

/// A row of an expert, where it came from: both [d_model] in the layer's data type.
struct GradientRow {
  const std::byte* x = nullptr;
  const std::byte* d_out = nullptr;
  float gate_weight = 1.0F;
};

/// Gradients that belong to one row.
struct RowGradient {
  std::vector<double> x;   ///< [d_model] dL/dx
  double gate_weight = 0;  ///< dL/dg
  /// A pre-activation is so near to the corner of ReLU that rounding decides on which side: kernels
  /// may differ there.
  bool at_corner = false;
};
RowGradient reference_row_gradient(const LayerShape& shape, const ExpertWeights& weights,
                                   const GradientRow& row);

/// Gradients of one hidden column j of an expert, over all its rows: what a sample of a weight
/// gradient costs least.
struct ColumnGradient {
  std::vector<double> gate;  ///< [d_model] dL/dgate[:, j]; SwiGLU only
  std::vector<double> up;    ///< [d_model] dL/dup[:, j]
  std::vector<double> down;  ///< [d_model] dL/ddown[j, :]
  bool at_corner = false;    ///< as above, in any row
};
ColumnGradient reference_column_gradient(const LayerShape& shape, const ExpertWeights& weights,
                                         std::span<const GradientRow> rows, std::int64_t column);

}  // namespace hotexpert
