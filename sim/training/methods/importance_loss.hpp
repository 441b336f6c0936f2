#pragma once

#include <array>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

inline constexpr std::array kImportanceParams = {
    ParamSpec{"weight", 0.1, 0, 1e6, "coefficient w_importance"},
};

/// Shazeer et al. 2017 (arXiv 1701.06538), eq. 6-7: w * CV(Importance)^2 with Importance_i = sum of
/// the gates of expert i over a micro-batch; CV^2 = population variance / mean^2; mean over
/// micro-batches. 0 at perfect balance.
template <class Scalar>
MethodParts<Scalar> make_importance_loss(const NamedChoice& choice, const MethodContext& context);

}  // namespace hotexpert::training
