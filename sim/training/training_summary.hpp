#pragma once

#include <cstdint>
#include <optional>

#include "sim/training/training_record.hpp"

namespace hotexpert::training {

/// What a run came to, from its record. "At the end" is the last tenth of the steps, at least one.
struct TrainingSummary {
  double task_loss = 0;      ///< training loss, mean at the end
  double max_vio = 0;        ///< MaxVio (batch), mean at the end: train.max_vio
  double max_over_mean = 1;  ///< mean at the end
  double load_cv = 0;
  double effective_experts = 0;
  std::int64_t dead_experts = 0;  ///< experts without any token at the end
  double drop_fraction = 0;       ///< dropped during training, mean at the end
  double router_entropy = 0;      ///< nats
  double hottest_share = 0;
  double hottest_gradient_share = 0;
  double balance_to_task_gradient = 0;
  double loss_hacked_share = 0;  ///< share of the last steps that hack the loss

  /// Largest / smallest expert gradient norm, each expert's root mean square at the end; experts
  /// without gradient at the end are left out (and counted in dead_experts).
  double gradient_norm_ratio = 1;
  /// Mean gradient norm at the end of the least and of the most loaded quarter of the experts, and
  /// how much a norm varies over those steps (deviation / mean, mean over the quarter; 0 for
  /// experts without gradient): training instability.
  double starved_gradient_norm = 0;
  double overloaded_gradient_norm = 0;
  double starved_gradient_cv = 0;
  double overloaded_gradient_cv = 0;
  /// Share of experts, and so of expert parameters, that computed less than 10 % of their equal
  /// share of assignments over the whole run: wasted capacity.
  double starved_share = 0;

  /// MaxVio is smoothed over the past 5 % of the steps first. First step from which it stays within
  /// 20 % of its mean at the end.
  std::int64_t settle_step = 0;
  /// First step at which it is down to 20 % above its mean at the end, however it moves later: how
  /// long balance takes to arrive.
  std::int64_t reach_step = 0;
  /// How far smoothed MaxVio rises above its mean at the end after it first came within 20 % of it,
  /// as a share of that mean.
  double overshoot = 0;
  /// Size of the limit cycle: root mean square of c_i / mean c around its line of regression over
  /// the last fifth of the steps, mean over experts. Includes sampling noise.
  double load_cycle = 0;
  /// The same of the rule's biases, in their own unit: what a bias update keeps oscillating by.
  std::optional<double> bias_cycle;
};

/// @param record  of at least one step
TrainingSummary summarize(const TrainingRecord& record);

}  // namespace hotexpert::training
