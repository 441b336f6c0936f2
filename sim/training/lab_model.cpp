#include "sim/training/lab_model.hpp"

#include <cmath>

#include "sim/training/products.hpp"

namespace hotexpert::training {
namespace {

template <class Scalar>
double norm(const AlignedVector<Scalar>& values) {
  return std::sqrt(
      products<Scalar>().squared_norm(static_cast<std::int64_t>(values.size()), values.data()));
}

const TrainConfig& checked(const TrainConfig& config) {
  validate(config);
  return config;
}

MethodContext context_of(const TrainConfig& config) {
  return {config.num_experts, config.top_k, config.score};
}

}  // namespace

template <class Scalar>
LabModel<Scalar>::LabModel(const TrainConfig& config)
    : config_(checked(config)),
      task_(make_training_task<Scalar>(config)),
      methods_(make_methods<Scalar>(config.method, context_of(config))),
      router_(config, methods_.noisy),
      experts_(config) {}

template <class Scalar>
double LabModel<Scalar>::forward(Split split, std::uint32_t step) {
  const bool training = split == Split::kTrain;
  task_->draw(split, step, batch_);
  task_->embed(batch_, hidden_);
  router_.forward(hidden_, step, training, methods_.rule.get(), state_);
  dispatch_assignments(state_, training ? config_.capacity_factor : std::nullopt, dispatch_);
  output_ = hidden_;
  experts_.forward(hidden_, state_.gates, dispatch_, output_);
  token_loss_.resize(static_cast<std::size_t>(batch_.tokens));
  return task_->loss(batch_, output_, token_loss_, training ? &output_gradient_ : nullptr);
}

template <class Scalar>
void LabModel<Scalar>::backward(PassLosses& losses) {
  Matrix<Scalar> hidden_gradient;
  Matrix<Scalar>* back = nullptr;
  if (task_->trains_embedding()) {
    hidden_gradient = output_gradient_;  // the residual path
    back = &hidden_gradient;
  }
  auto& router = router_.parameters();
  router_gradient_.reset(state_);
  experts_.backward(output_gradient_, state_.gates, dispatch_, router_gradient_.gates, back);
  router_.backward(hidden_, state_, router_gradient_, router.gradient, back);
  router_norms_ = {norm(router.gradient), 0};
  if (!methods_.losses.empty()) {
    router_gradient_.reset(state_);
    for (const auto& loss : methods_.losses) {
      losses.balance_term.push_back(loss->add(state_, router_gradient_));
      losses.balance += losses.balance_term.back();
    }
    AlignedVector<Scalar> own;
    router_.backward(hidden_, state_, router_gradient_, own, back);
    router_norms_.balance = norm(own);
    for (std::size_t i = 0; i < own.size(); ++i) router.gradient[i] += own[i];
  }
  if (back != nullptr) task_->embed_backward(batch_, hidden_gradient);
}

template <class Scalar>
PassLosses LabModel<Scalar>::train_pass(std::uint32_t step) {
  PassLosses losses;
  task_->parameters().clear_gradient();
  losses.task = forward(Split::kTrain, step);
  backward(losses);
  return losses;
}

template <class Scalar>
PassLosses LabModel<Scalar>::evaluation_pass(std::uint32_t batch) {
  PassLosses losses;
  losses.task = forward(Split::kEvaluation, batch);
  return losses;
}

template <class Scalar>
void LabModel<Scalar>::update_rule() {
  if (methods_.rule) methods_.rule->update(state_, dispatch_.load);
}

template <class Scalar>
std::vector<ParameterBlock<Scalar>*> LabModel<Scalar>::blocks() {
  std::vector<ParameterBlock<Scalar>*> all = {&router_.parameters()};
  for (int i = 0; i < experts_.num_experts(); ++i) all.push_back(&experts_.parameters(i));
  all.push_back(&task_->parameters());
  return all;
}

template <class Scalar>
std::span<double> LabModel<Scalar>::rule_memory() {
  return methods_.rule ? methods_.rule->memory() : std::span<double>{};
}

template class LabModel<float>;
template class LabModel<double>;

}  // namespace hotexpert::training
