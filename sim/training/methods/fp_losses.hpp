#pragma once

#include <array>
#include <string_view>

#include "sim/training/balancing_method.hpp"

namespace hotexpert::training {

enum class CountedChoices : std::uint8_t { kFirst, kAll };
enum class LossScope : std::uint8_t { kMicroBatch, kSequence };

/// One member of the f.P family: alpha * E * sum_i f_i P_i, averaged over scopes. f_i is a share of
/// the assignments of plain top-k (no bias, before drops) and a constant of the gradient; P_i is
/// the mean score of expert i. Conventions differ in what f counts, over which tokens, and
/// therefore in the value at perfect balance.
struct FpConvention {
  std::string_view name;
  CountedChoices counted = CountedChoices::kAll;
  LossScope scope = LossScope::kMicroBatch;  ///< of P, and of f unless `global_counts`
  bool global_counts = false;                ///< f over the whole step
  bool share_of_tokens = false;              ///< f = c / T instead of c / (kT): k times as large
  bool normalized_scores = false;            ///< a token's scores are divided by their sum first
};

/// switch        Fedus et al. 2021 (arXiv 2101.03961), eq. 4-6: f is the share of first choices.
/// gshard        Lepikhin et al. 2020 and Mesh-TensorFlow: E^2 mean_i(f_i P_i) over a group of
///               tokens, here a sequence; first choices only.
/// mixtral-hf    Hugging Face Transformers, load_balancing_loss_func: f is not divided by k.
/// megatron      Megatron-Core, switch_load_balancing_loss_func: E sum (c_i / kT) P_i.
/// deepseek      DeepSeek-V2/V3: f_i = E c_i / (kT); scores are normalised over experts, which
///               matters for sigmoid scores only.
/// sequence      DeepSeek-V3's complementary loss (arXiv 2412.19437, eq. 17-20): deepseek over each
///               sequence, then the mean.
/// global-batch  arXiv 2501.11873: megatron with f counted over every micro-batch of the step.
inline constexpr std::array kFpConventions = {
    FpConvention{.name = "switch", .counted = CountedChoices::kFirst},
    FpConvention{
        .name = "gshard", .counted = CountedChoices::kFirst, .scope = LossScope::kSequence},
    FpConvention{.name = "mixtral-hf", .share_of_tokens = true},
    FpConvention{.name = "megatron"},
    FpConvention{.name = "deepseek", .normalized_scores = true},
    FpConvention{.name = "sequence", .scope = LossScope::kSequence, .normalized_scores = true},
    FpConvention{.name = "global-batch", .global_counts = true},
};

inline constexpr std::array kFpParams = {
    ParamSpec{"weight", 1e-2, 0, 1e6, "coefficient alpha"},
};
inline constexpr std::array kSequenceParams = {
    ParamSpec{"weight", 1e-4, 0, 1e6, "coefficient alpha"},
};

/// The convention called `name`, or nullptr if it is not of this family.
const FpConvention* find_fp_convention(std::string_view name);

/// Value of the loss at perfect balance with alpha = 1 and scores that sum to one: k where f is not
/// divided by k, else 1.
double balanced_value(const FpConvention& convention, int top_k);

/// The loss whose convention is `choice.name()`, with alpha = "weight".
template <class Scalar>
MethodParts<Scalar> make_fp_loss(const NamedChoice& choice, const MethodContext& context);

}  // namespace hotexpert::training
