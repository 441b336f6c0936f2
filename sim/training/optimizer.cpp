#include "sim/training/optimizer.hpp"

#include <cmath>

#include "sim/training/products.hpp"

namespace hotexpert::training {
namespace {

template <class Scalar>
void sgd_step(const OptimizerConfig& config, ParameterBlock<Scalar>& block,
              AlignedVector<Scalar>& velocity) {
  const auto momentum = static_cast<Scalar>(config.momentum);
  const auto rate = static_cast<Scalar>(config.learning_rate);
  const auto keep = static_cast<Scalar>(1.0 - config.learning_rate * config.weight_decay);
  for (std::size_t i = 0; i < block.value.size(); ++i) {
    velocity[i] = momentum * velocity[i] + block.gradient[i];
    block.value[i] = keep * block.value[i] - rate * velocity[i];
  }
}

}  // namespace

template <class Scalar>
void Optimizer<Scalar>::allocate(const std::vector<ParameterBlock<Scalar>*>& blocks) {
  first_.clear();
  second_.clear();
  for (const auto* block : blocks) {
    first_.emplace_back(block->value.size());
    second_.emplace_back(config_.kind == OptimizerKind::kAdamw ? block->value.size() : 0);
  }
}

template <class Scalar>
void Optimizer<Scalar>::step(const std::vector<ParameterBlock<Scalar>*>& blocks) {
  if (first_.empty()) allocate(blocks);
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const AdamwStep constants{config_.learning_rate,
                            config_.beta1,
                            config_.beta2,
                            config_.epsilon,
                            config_.weight_decay,
                            1.0 / (1.0 - std::pow(config_.beta1, t)),
                            1.0 / (1.0 - std::pow(config_.beta2, t))};
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    auto& block = *blocks[b];
    if (config_.kind == OptimizerKind::kAdamw) {
      products<Scalar>().adamw(static_cast<std::int64_t>(block.value.size()), constants,
                               block.gradient.data(), first_[b].data(), second_[b].data(),
                               block.value.data());
    } else {
      sgd_step(config_, block, first_[b]);
    }
  }
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace hotexpert::training
