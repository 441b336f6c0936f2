#include "sim/training/balancing_method.hpp"

#include <array>
#include <limits>

#include "sim/training/methods/bias_rule.hpp"
#include "sim/training/methods/expert_choice_rule.hpp"
#include "sim/training/methods/fp_losses.hpp"
#include "sim/training/methods/importance_loss.hpp"
#include "sim/training/methods/load_loss.hpp"
#include "sim/training/methods/quantile_rule.hpp"
#include "sim/training/methods/sinkhorn_rule.hpp"
#include "sim/training/methods/z_loss.hpp"

namespace hotexpert::training {
namespace {

template <class Scalar>
MethodParts<Scalar> make_none(const NamedChoice&, const MethodContext&) {
  return {};
}

constexpr BalancingMethodRow fp_row(std::string_view name, std::string_view summary,
                                    std::string_view convention,
                                    std::span<const ParamSpec> params = kFpParams) {
  return {name,     summary, convention,           params,
          "weight", false,   &make_fp_loss<float>, &make_fp_loss<double>};
}

constexpr std::array kMethods = {
    BalancingMethodRow{
        "none", "no balancing", "", {}, "", false, &make_none<float>, &make_none<double>},
    fp_row("switch", "Switch Transformer: first choices, over the micro-batch",
           "alpha E sum f_i P_i, f = first choices / T; alpha at perfect balance"),
    fp_row("gshard", "GShard and Mesh-TensorFlow: first choices, over groups of tokens",
           "alpha E^2 mean_i(f_i P_i), f = first choices / group; alpha at perfect balance"),
    fp_row("mixtral-hf", "Hugging Face Transformers: every choice, f not divided by k",
           "alpha E sum f_i P_i, f = c_i / T; k alpha at perfect balance"),
    fp_row("megatron", "Megatron-Core: every choice, over the micro-batch",
           "alpha E sum (c_i / kT) P_i; alpha at perfect balance"),
    fp_row("deepseek", "DeepSeek: every choice, scores normalised over experts",
           "alpha sum f_i P_i, f = E c_i / (kT); alpha at perfect balance"),
    fp_row("sequence", "DeepSeek-V3's sequence-wise loss",
           "alpha sum f_i P_i over each sequence, f = E c_i / (kT); alpha at perfect balance",
           kSequenceParams),
    fp_row("global-batch", "f over all micro-batches of the step, P over each",
           "alpha E sum (c_i / kT) P_i, c over the global batch; alpha at perfect balance"),
    BalancingMethodRow{"importance", "Shazeer 2017: equal gate sums",
                       "w CV(sum of gates)^2; 0 at perfect balance", kImportanceParams, "weight",
                       false, &make_importance_loss<float>, &make_importance_loss<double>},
    BalancingMethodRow{"load", "Shazeer 2017: equal expected loads under noisy top-k",
                       "w CV(expected load)^2; 0 at perfect balance", kLoadParams, "weight", true,
                       &make_load_loss<float>, &make_load_loss<double>},
    BalancingMethodRow{"z-loss", "ST-MoE: small logits; does not balance",
                       "w mean(logsumexp(logits)^2)", kZLossParams, "weight", false,
                       &make_z_loss<float>, &make_z_loss<double>},
    BalancingMethodRow{"bias", "loss-free: a bias on the scores follows the load",
                       "u = step of the bias in units of the score", kBiasParams, "u", false,
                       &make_bias_rule<float>, &make_bias_rule<double>},
    BalancingMethodRow{"sinkhorn", "doubly normalised scores choose, in training only", "",
                       kSinkhornParams, "", false, &make_sinkhorn_rule<float>,
                       &make_sinkhorn_rule<double>},
    BalancingMethodRow{"expert-choice", "each expert takes its best tokens", "",
                       kExpertChoiceParams, "", false, &make_expert_choice_rule<float>,
                       &make_expert_choice_rule<double>},
    BalancingMethodRow{"quantile", "a threshold on the logits follows the load's quantile", "",
                       kQuantileParams, "", false, &make_quantile_rule<float>,
                       &make_quantile_rule<double>},
};

}  // namespace

template <class Scalar>
double BalancingLoss<Scalar>::balanced_value() const {
  return std::numeric_limits<double>::quiet_NaN();
}

template <class Scalar>
void SelectionRule<Scalar>::update(const RouterState<Scalar>&, std::span<const std::int64_t>) {}

template class BalancingLoss<float>;
template class BalancingLoss<double>;
template class SelectionRule<float>;
template class SelectionRule<double>;

std::span<const BalancingMethodRow> balancing_methods() { return kMethods; }

}  // namespace hotexpert::training
