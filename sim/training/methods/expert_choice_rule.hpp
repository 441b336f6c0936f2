#pragma once

#include <array>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

inline constexpr std::array kExpertChoiceParams = {
    ParamSpec{"factor", 1, 1e-3, 1e3, "tokens an expert takes / (k T / E)"},
};

/// Expert choice (Zhou et al. 2022, arXiv 2202.09368): within each micro-batch each expert takes
/// its round(factor k T / E) highest-scoring tokens (ties: earlier token; between 1 and T). Loads
/// are equal by construction, tokens get between 0 and E experts, gates are the scores themselves,
/// and a token's routing depends on later tokens, so the rule cannot run token by token at
/// inference.
template <class Scalar>
MethodParts<Scalar> make_expert_choice_rule(const NamedChoice& choice,
                                            const MethodContext& context);

}  // namespace hotexpert::training
