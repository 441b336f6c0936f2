#pragma once

#include <array>
#include <memory>

#include "sim/training/training_task.hpp"

namespace hotexpert::training {

inline constexpr std::array kClustersParams = {
    ParamSpec{"groups", 64, 1, 4096, "number of clusters G"},
    ParamSpec{"exponent", 1.0, 0, 10, "data skew: cluster g has popularity 1 / (g + 1)^exponent"},
    ParamSpec{"noise", 1, 0, 100, "spread inside a cluster / spread of the centres"},
    ParamSpec{"mean", 1, 0, 100, "length of the common direction / spread of the centres"},
    ParamSpec{"shared", 0.5, 0, 1, "share of the target's variance that is common to all clusters"},
    ParamSpec{"stickiness", 0, 0, 1, "probability that a token keeps its predecessor's cluster"},
};

/// Tokens from G Gaussian clusters with Zipf popularity, each cluster with its own linear target.
///   x = (mean * m + centre_g + noise * n) / sqrt(mean^2 + 1 + noise^2), m, centre_g and n standard
///       normal in d_model; m is one direction for all tokens
///   target = x + x (sqrt(shared) A + sqrt(1 - shared) A_g), A and A_g [d, d] with N(0, 1/d)
///   entries loss = mean over tokens and coordinates of (output - target)^2
/// A loss of 1 is that of a block that adds nothing: the loss is a fraction of target variance.
template <class Scalar>
std::unique_ptr<TrainingTask<Scalar>> make_clusters_task(const NamedChoice& choice,
                                                         const TrainConfig& config);

}  // namespace hotexpert::training
