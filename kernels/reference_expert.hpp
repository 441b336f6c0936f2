#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/expert_weights.hpp"

namespace hotexpert {

/// What every kernel is compared with: plain loops, every sum in fp64, no intermediate rounded.
/// @param row [d_model] activations of one token in the layer's data type
/// @return [d_model] y of expert_weights.hpp
std::vector<double> reference_expert(const LayerShape& shape, const ExpertWeights& weights,
                                     const std::byte* row);

}  // namespace hotexpert
