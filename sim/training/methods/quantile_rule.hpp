#pragma once

#include <array>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

inline constexpr std::array kQuantileParams = {
    ParamSpec{"ema", 0.9, 0, 0.9999, "share of the old threshold kept after a step"},
};

/// Quantile balancing (NVIDIA/Megatron-LM#5349): experts are the k largest of logit - beta_i. After
/// each step, with alpha_t the (k+1)-th largest of token t's shifted logits, the threshold that
/// would give expert i exactly kT/E tokens of a micro-batch is the (kT/E + 1)-th largest over
/// tokens of logit_ti - alpha_t; beta becomes an exponential average of it (mean over
/// micro-batches), shifted to mean zero. No gradient reaches beta. It is kept in training and
/// evaluation.
/// @throws UsageError if k = E
template <class Scalar>
MethodParts<Scalar> make_quantile_rule(const NamedChoice& choice, const MethodContext& context);

}  // namespace hotexpert::training
