#pragma once

#include <array>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

inline constexpr std::array kSinkhornParams = {
    ParamSpec{"tolerance", 1e-4, 1e-12, 1, "stop when the mean change of the row scale is below"},
    ParamSpec{"iterations", 200, 1, 100000, "at most this many row and column scalings"},
};

/// Sinkhorn routing as in Megatron-Core (moe_utils.py, sinkhorn): within each micro-batch the
/// matrix exp(logits) is scaled by rows to 1/T and by columns to 1/E in turn; experts are the k
/// largest of the scaled row. In training only and without gradient; held-out batches use plain
/// top-k, so the two can differ: compare training and held-out load.
template <class Scalar>
MethodParts<Scalar> make_sinkhorn_rule(const NamedChoice& choice, const MethodContext& context);

}  // namespace hotexpert::training
