#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/training/expert_bank.hpp"
#include "sim/training/method_set.hpp"
#include "sim/training/router.hpp"
#include "sim/training/training_task.hpp"

namespace hotexpert::training {

/// What one pass over a step's tokens cost.
struct PassLosses {
  double task = 0;                   ///< mean over tokens
  double balance = 0;                ///< every balancing term, coefficients included
  std::vector<double> balance_term;  ///< each term, in order of the methods
};

/// Norm of the router's gradient, by what it comes from.
struct RouterGradientNorms {
  double task = 0;
  double balance = 0;
};

/// The block that is trained: a task's embedding, a router, experts on the residual path, the
/// task's loss, and the balancing methods' terms. Gradients are exact: assignments are constants,
/// everything else is differentiated (tests compare with central differences in fp64).
template <class Scalar>
class LabModel {
 public:
  /// @throws UsageError or InputError for a bad configuration, method, task or corpus
  explicit LabModel(const TrainConfig& config);

  /// Draws the tokens of a training step and computes losses and every gradient.
  /// @throws Divergence when a router logit is not finite
  PassLosses train_pass(std::uint32_t step);
  /// Forward only, on a held-out batch: no noise, no capacity.
  PassLosses evaluation_pass(std::uint32_t batch);
  /// Lets the selection rule follow the loads of the last training pass.
  void update_rule();

  [[nodiscard]] const TrainConfig& config() const { return config_; }
  [[nodiscard]] const RouterState<Scalar>& router_state() const { return state_; }
  [[nodiscard]] const Dispatch& dispatch() const { return dispatch_; }
  [[nodiscard]] const TaskBatch<Scalar>& batch() const { return batch_; }
  [[nodiscard]] const Matrix<Scalar>& hidden() const { return hidden_; }
  [[nodiscard]] const std::vector<double>& token_loss() const { return token_loss_; }
  [[nodiscard]] const RouterGradientNorms& router_gradient_norms() const { return router_norms_; }
  [[nodiscard]] const MethodSet<Scalar>& methods() const { return methods_; }
  [[nodiscard]] int num_classes() const { return task_->num_classes(); }
  ExpertBank<Scalar>& experts() { return experts_; }
  /// Every trainable block: router, experts in order, the task's own.
  std::vector<ParameterBlock<Scalar>*> blocks();
  /// The selection rule's memory, empty without one.
  [[nodiscard]] std::span<double> rule_memory();

 private:
  double forward(Split split, std::uint32_t step);
  void backward(PassLosses& losses);

  TrainConfig config_;
  std::unique_ptr<TrainingTask<Scalar>> task_;
  MethodSet<Scalar> methods_;
  Router<Scalar> router_;
  ExpertBank<Scalar> experts_;

  TaskBatch<Scalar> batch_;
  Matrix<Scalar> hidden_;           ///< [T, d_model]
  Matrix<Scalar> output_;           ///< [T, d_model]
  Matrix<Scalar> output_gradient_;  ///< [T, d_model]
  RouterState<Scalar> state_;
  Dispatch dispatch_;
  RouterGradient<Scalar> router_gradient_;
  std::vector<double> token_loss_;  ///< [T]
  RouterGradientNorms router_norms_;
};

}  // namespace hotexpert::training
