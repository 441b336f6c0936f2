#pragma once

#include <array>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

inline constexpr std::array kZLossParams = {
    ParamSpec{"weight", 1e-3, 0, 1e6, "coefficient"},
};

/// ST-MoE (arXiv 2202.08906), eq. 5: weight * mean over tokens of logsumexp(logits)^2. Keeps logits
/// small; it does not balance, and has no value at perfect balance.
template <class Scalar>
MethodParts<Scalar> make_z_loss(const NamedChoice& choice, const MethodContext& context);

}  // namespace hotexpert::training
