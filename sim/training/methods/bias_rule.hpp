#pragma once

#include <array>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

inline constexpr std::array kBiasParams = {
    ParamSpec{"u", 1e-3, 0, 1e3, "step of the bias, in units of the score"},
    ParamSpec{"update", 0, 0, 2, "how the bias follows the load error",
              "sign|proportional|multiplicative"},
};

/// Loss-free balancing (arXiv 2408.15664; DeepSeek-V3): experts are chosen by score + b_i, weighted
/// by the score alone, and after each step, with e_i = (mean c - c_i) / mean c,
///   sign            b_i += u sign(e_i)
///   proportional    b_i += u e_i; the source's e_i is a count, here a share of the mean, so that u
///                   does not depend on the batch size
///   multiplicative  chosen by score * b_i, b_i from 1, b_i += u sign(e_i), never below 0
/// No gradient reaches the bias. It is kept in training and evaluation.
template <class Scalar>
MethodParts<Scalar> make_bias_rule(const NamedChoice& choice, const MethodContext& context);

}  // namespace hotexpert::training
