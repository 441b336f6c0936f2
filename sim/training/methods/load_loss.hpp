#pragma once

#include <array>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

inline constexpr std::array kLoadParams = {
    ParamSpec{"weight", 0.1, 0, 1e6, "coefficient w_load"},
};

/// Shazeer et al. 2017 (arXiv 1701.06538), eq. 8-11: w * CV(Load)^2 over a micro-batch, mean over
/// micro-batches. Load_i = sum over tokens of the probability that expert i is among the k largest
/// noisy logits when only its own noise is drawn again:
///   P_ti = Phi((clean_ti - threshold_ti) / noise_std_ti)
/// with threshold_ti the k-th largest noisy logit of the other experts. Its router is noisy: logits
/// = x W + n * softplus(x W_noise), n standard normal, in training only. 0 at perfect balance.
/// @throws UsageError if k = E (every expert is always chosen)
template <class Scalar>
MethodParts<Scalar> make_load_loss(const NamedChoice& choice, const MethodContext& context);

}  // namespace hotexpert::training
