#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/training/lab_model.hpp"

namespace hotexpert::training {

/// What one training step showed. Loads c_i are assignments of the whole step before drops.
struct StepMeasures {
  std::int64_t step = 0;
  double task_loss = 0;          ///< mean over tokens, without balancing terms
  double balance_loss = 0;       ///< balancing terms, coefficients included
  double max_over_mean = 1;      ///< max c / mean c; MaxVio (batch) is one less
  double load_cv = 0;            ///< population deviation / mean
  double effective_experts = 0;  ///< exp(load entropy)
  double idle_experts = 0;       ///< experts without a token in this step
  double drop_fraction = 0;      ///< assignments beyond train.capacity / all
  double router_entropy = 0;     ///< nats, of the normalised scores, mean over tokens
  double gradient_norm_cv = 0;   ///< population deviation / mean of the experts' gradient norms
  double balance_to_task_gradient = 0;  ///< ratio of the two norms at the router's weights
  double hottest_share = 0;             ///< of assignments, of the most loaded expert
  double hottest_gradient_share = 0;    ///< its gradient norm / the sum over experts
  double hottest_loss = 0;              ///< mean task loss of its tokens
  double other_loss = 0;                ///< mean task loss of all other tokens; 0 of none
  std::int32_t hottest_expert = 0;      ///< ties: lower index
  /// 1 where a balancing term is more than 1 % below its value at perfect balance while MaxVio
  /// exceeds 0.25: the router satisfies the loss and not its purpose.
  std::int32_t loss_hacked = 0;
};

/// Everything a run recorded, step by step.
struct TrainingRecord {
  int num_experts = 0;
  std::vector<StepMeasures> steps;
  std::vector<std::int64_t> load;       ///< [steps, E] assignments before drops
  std::vector<float> gradient_norm;     ///< [steps, E] norm of an expert's parameter gradient
  std::vector<double> rule_memory;      ///< [steps, E] biases or thresholds; empty without any
  std::vector<std::int64_t> kept_load;  ///< [E] assignments computed over the whole run

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(steps.size()); }
  /// The loads as other tools take them: [steps, 1, E].
  [[nodiscard]] LoadMatrix load_matrix() const;
};

/// Appends what the model's last training pass showed.
/// @throws Divergence where the loss or a gradient is not finite
void record_step(LabModel<float>& model, std::int64_t step, const PassLosses& losses,
                 TrainingRecord& record);

}  // namespace hotexpert::training
